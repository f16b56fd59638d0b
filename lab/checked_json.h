// A JSON object that people wrote, read member by member. Whatever is wrong is put down with its place ("expect[2].count: …") and
// reading goes on, so that all problems are known at once; a name that nobody asks for is one. Pure.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::lab {

namespace json = boost::json;

class CheckedObject {
 public:
  // `value` and `problems` outlive it. `place`: in front of its members' names; empty: the whole.
  CheckedObject(const json::value& value, std::string place, std::vector<std::string>& problems);

  // nullopt or empty: absent, null or wrong.
  std::optional<std::string> text(std::string_view name, std::size_t most = 1'000);
  std::optional<std::uint64_t> number(std::string_view name, std::uint64_t least, std::uint64_t most);
  std::optional<double> share(std::string_view name);  // from 0 to 1
  std::optional<bool> boolean(std::string_view name);
  std::vector<std::string> texts(std::string_view name, std::size_t most);  // one text is a list of one
  const json::array* list(std::string_view name, std::size_t most);
  const json::value* member(std::string_view name);  // null: absent, or null
  // A member's place: "expect[2].header".
  std::string place_of(std::string_view name) const;

  void fail(std::string_view name, std::string_view what_is_wrong);
  // After all others.
  void refuse_unknown();

 private:
  const json::object* object_ = nullptr;
  std::string place_;
  std::vector<std::string>& problems_;
  std::vector<std::string_view> known_;
};

inline constexpr std::size_t kMaxProblems = 50;  // told of one document
std::string joined_problems(const std::vector<std::string>& problems);

}  // namespace postern::lab
