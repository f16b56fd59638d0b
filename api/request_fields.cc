#include "api/request_fields.h"

#include "core/bytes.h"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include <algorithm>

namespace postern::api {
namespace {

std::string_view view(boost::json::string_view text) { return {text.data(), text.size()}; }

std::optional<std::uint64_t> unsigned_of(const boost::json::value& value) {
  if (const auto* number = value.if_uint64()) return *number;
  if (const auto* number = value.if_int64(); number != nullptr && *number >= 0) return static_cast<std::uint64_t>(*number);
  return std::nullopt;
}

}  // namespace

RequestFields::RequestFields(const boost::json::value& body) : object_(body.if_object()) {
  if (object_ == nullptr && !body.is_null()) problem_ = "the body must be a JSON object";
}

const boost::json::value* RequestFields::find(std::string_view name) {
  if (std::ranges::find(known_, name) == known_.end()) known_.push_back(name);
  return object_ == nullptr ? nullptr : object_->if_contains({name.data(), name.size()});
}

bool RequestFields::has(std::string_view name) { return find(name) != nullptr; }

std::optional<std::string> RequestFields::text(std::string_view name) {
  const boost::json::value* value = find(name);
  if (value == nullptr || value->is_null()) return std::nullopt;
  if (const auto* text = value->if_string()) return std::string(view(*text));
  fail(name, "must be a text");
  return std::nullopt;
}

std::optional<std::uint64_t> RequestFields::number(std::string_view name, std::uint64_t least, std::uint64_t most) {
  const boost::json::value* value = find(name);
  if (value == nullptr || value->is_null()) return std::nullopt;
  const auto number = unsigned_of(*value);
  if (number && *number >= least && *number <= most) return number;
  fail(name, "must be a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  return std::nullopt;
}

std::optional<bool> RequestFields::boolean(std::string_view name) {
  const boost::json::value* value = find(name);
  if (value == nullptr || value->is_null()) return std::nullopt;
  if (const bool* truth = value->if_bool()) return *truth;
  fail(name, "must be true or false");
  return std::nullopt;
}

std::vector<std::string> RequestFields::texts(std::string_view name, std::size_t most) {
  std::vector<std::string> texts;
  const boost::json::value* value = find(name);
  if (value == nullptr || value->is_null()) return texts;
  if (const auto* text = value->if_string()) return {std::string(view(*text))};
  const auto* array = value->if_array();
  if (array == nullptr || array->size() > most) {
    fail(name, "must be a list of at most " + std::to_string(most) + " texts");
    return texts;
  }
  for (const boost::json::value& item : *array) {
    const auto* text = item.if_string();
    if (text == nullptr) {
      fail(name, "must be a list of texts");
      return {};
    }
    texts.emplace_back(view(*text));
  }
  return texts;
}

std::string RequestFields::required_text(std::string_view name) {
  const auto value = text(name);
  if (!value || value->empty()) fail(name, "is missing");
  return value.value_or(std::string());
}

Secret RequestFields::required_secret(std::string_view name) {
  const boost::json::value* value = find(name);
  if (value != nullptr && value->is_string() && !value->get_string().empty()) {
    return Secret(std::string(view(value->get_string())));
  }
  fail(name, value == nullptr || value->is_null() || value->is_string() ? "is missing" : "must be a text");
  return {};
}

void RequestFields::fail(std::string_view name, std::string_view what_is_wrong) {
  if (!problem_) problem_ = std::string(name) + ' ' + std::string(what_is_wrong);
}

void RequestFields::refuse_unknown() {
  if (object_ == nullptr || problem_) return;
  for (const auto& member : *object_) {
    if (std::ranges::find(known_, view(member.key())) != known_.end()) continue;
    problem_ = "a field of the body is unknown here; known are ";
    for (const std::string_view name : known_) *problem_ += (name == known_.front() ? "" : ", ") + std::string(name);
    return;
  }
}

Result<std::size_t> read_limit(const ApiRequest& request, std::size_t most, std::size_t otherwise) {
  const auto text = request.query_parameter("limit");
  if (!text) return otherwise;
  const auto number = parse_unsigned(*text);
  if (number && *number >= 1 && *number <= most) return static_cast<std::size_t>(*number);
  return Error(ErrorCode::InvalidArgument, "limit must be a number from 1 to " + std::to_string(most));
}

}  // namespace postern::api
