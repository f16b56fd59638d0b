#include "lab/checked_json.h"

#include "core/bytes.h"

#include <algorithm>

namespace postern::lab {

CheckedObject::CheckedObject(const json::value& value, std::string place, std::vector<std::string>& problems)
    : object_(value.if_object()), place_(std::move(place)), problems_(problems) {
  if (object_ == nullptr) problems_.push_back((place_.empty() ? "it" : place_) + ": has to be an object");
}

std::string CheckedObject::place_of(std::string_view name) const {
  return place_.empty() ? std::string(name) : place_ + '.' + std::string(name);
}

void CheckedObject::fail(std::string_view name, std::string_view what_is_wrong) {
  if (problems_.size() < kMaxProblems) problems_.push_back(place_of(name) + ": " + std::string(what_is_wrong));
}

const json::value* CheckedObject::member(std::string_view name) {
  known_.push_back(name);
  const json::value* const value = object_ ? object_->if_contains(name) : nullptr;
  return value && !value->is_null() ? value : nullptr;
}

std::optional<std::string> CheckedObject::text(std::string_view name, std::size_t most) {
  const json::value* const value = member(name);
  if (!value) return std::nullopt;
  if (!value->is_string() || value->get_string().size() > most) {
    fail(name, "has to be a text of at most " + std::to_string(most) + " octets");
    return std::nullopt;
  }
  return std::string(value->get_string());
}

std::optional<std::uint64_t> CheckedObject::number(std::string_view name, std::uint64_t least, std::uint64_t most) {
  const json::value* const value = member(name);
  if (!value) return std::nullopt;
  boost::system::error_code failed;
  const auto number = value->to_number<std::uint64_t>(failed);
  if (!failed && !value->is_double() && number >= least && number <= most) return number;
  fail(name, "has to be a number from " + std::to_string(least) + " to " + std::to_string(most));
  return std::nullopt;
}

std::optional<double> CheckedObject::share(std::string_view name) {
  const json::value* const value = member(name);
  if (!value) return std::nullopt;
  boost::system::error_code failed;
  const double share = value->to_number<double>(failed);
  if (!failed && share >= 0 && share <= 1) return share;
  fail(name, "has to be a number from 0 to 1");
  return std::nullopt;
}

std::optional<bool> CheckedObject::boolean(std::string_view name) {
  const json::value* const value = member(name);
  if (!value) return std::nullopt;
  if (value->is_bool()) return value->get_bool();
  fail(name, "has to be true or false");
  return std::nullopt;
}

std::vector<std::string> CheckedObject::texts(std::string_view name, std::size_t most) {
  std::vector<std::string> texts;
  const json::value* const value = member(name);
  if (!value) return texts;
  if (value->is_string()) return {std::string(value->get_string())};
  const json::array* const list = value->if_array();
  const bool is_sound = list && list->size() <= most &&
                        std::ranges::all_of(*list, [](const json::value& one) { return one.is_string(); });
  if (!is_sound) {
    fail(name, "has to be a text, or a list of at most " + std::to_string(most) + " texts");
    return texts;
  }
  for (const json::value& one : *list) texts.emplace_back(one.get_string());
  return texts;
}

const json::array* CheckedObject::list(std::string_view name, std::size_t most) {
  const json::value* const value = member(name);
  if (!value) return nullptr;
  const json::array* const list = value->if_array();
  if (list && list->size() <= most) return list;
  fail(name, "has to be a list of at most " + std::to_string(most));
  return nullptr;
}

void CheckedObject::refuse_unknown() {
  if (!object_) return;
  for (const auto& [name, value] : *object_) {
    const std::string_view unknown(name);
    if (std::ranges::find(known_, unknown) != known_.end()) continue;
    std::string choices;
    for (const std::string_view known : known_) choices.append(choices.empty() ? "" : ", ").append(known);
    fail(escape_for_log(unknown, 64), "there is no such name here; there are " + choices);
  }
}

std::string joined_problems(const std::vector<std::string>& problems) {
  std::string text;
  for (const std::string& problem : problems) text.append(text.empty() ? "" : "; ").append(problem);
  return text;
}

}  // namespace postern::lab
