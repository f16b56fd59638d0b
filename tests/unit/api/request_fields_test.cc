// Reading the members of a JSON body, and what is said of the wrong ones.
#include "api/request_fields.h"

#include <boost/json/parse.hpp>

namespace postern::api {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

boost::json::value parsed(const char* text) { return boost::json::parse(text); }

TEST(RequestFields, AreReadByTheirTypes) {
  const auto body = parsed(R"({"name": "n", "count": 3, "list": ["a", "b"], "one": "c", "nothing": null})");
  RequestFields fields(body);
  EXPECT_EQ(fields.text("name"), "n");
  EXPECT_EQ(fields.required_secret("name").reveal(), "n");
  EXPECT_EQ(fields.number("count", 1, 3), 3U);
  EXPECT_THAT(fields.texts("list", 2), ElementsAre("a", "b"));
  EXPECT_THAT(fields.texts("one", 2), ElementsAre("c"));
  EXPECT_EQ(fields.text("nothing"), std::nullopt);
  EXPECT_TRUE(fields.has("nothing"));
  EXPECT_FALSE(fields.has("absent"));
  fields.refuse_unknown();
  EXPECT_EQ(fields.problem(), std::nullopt);
}

TEST(RequestFields, MayAllBeAbsent) {
  const boost::json::value nothing;
  RequestFields fields(nothing);
  EXPECT_EQ(fields.text("name"), std::nullopt);
  EXPECT_THAT(fields.texts("list", 2), IsEmpty());
  fields.refuse_unknown();
  EXPECT_EQ(fields.problem(), std::nullopt);
}

struct WrongCase {
  const char* body;
  std::function<void(RequestFields&)> read;
  const char* problem;
};

TEST(RequestFields, SayWhatIsWrong) {
  const WrongCase cases[] = {
      {"[]", [](auto&) {}, "a JSON object"},
      {"\"text\"", [](auto&) {}, "a JSON object"},
      {R"({"name": 1})", [](auto& f) { f.text("name"); }, "name must be a text"},
      {R"({"name": {}})", [](auto& f) { f.text("name"); }, "name must be a text"},
      {R"({})", [](auto& f) { f.required_text("name"); }, "name is missing"},
      {R"({"name": ""})", [](auto& f) { f.required_text("name"); }, "name is missing"},
      {R"({"name": null})", [](auto& f) { f.required_text("name"); }, "name is missing"},
      {R"({})", [](auto& f) { f.required_secret("name"); }, "name is missing"},
      {R"({"name": ""})", [](auto& f) { f.required_secret("name"); }, "name is missing"},
      {R"({"name": null})", [](auto& f) { f.required_secret("name"); }, "name is missing"},
      {R"({"name": 1})", [](auto& f) { f.required_secret("name"); }, "name must be a text"},
      {R"({"count": -1})", [](auto& f) { f.number("count", 0, 9); }, "count must be a whole number from 0 to 9"},
      {R"({"count": 10})", [](auto& f) { f.number("count", 0, 9); }, "from 0 to 9"},
      {R"({"count": 1.5})", [](auto& f) { f.number("count", 0, 9); }, "from 0 to 9"},
      {R"({"count": "1"})", [](auto& f) { f.number("count", 0, 9); }, "from 0 to 9"},
      {R"({"count": 18446744073709551615})", [](auto& f) { f.number("count", 0, 9); }, "from 0 to 9"},
      {R"({"list": ["a", 1]})", [](auto& f) { f.texts("list", 2); }, "list must be a list of texts"},
      {R"({"list": ["a", "b", "c"]})", [](auto& f) { f.texts("list", 2); }, "at most 2"},
      {R"({"list": 1})", [](auto& f) { f.texts("list", 2); }, "at most 2"},
      {R"({"networks": "x"})", [](auto& f) { f.text("network"); f.refuse_unknown(); }, "known are network"},
      {R"({"a": 1, "b": 2})", [](auto& f) { f.text("a"); f.text("b"); }, "a must be"},
  };
  for (const WrongCase& c : cases) {
    const auto body = parsed(c.body);
    RequestFields fields(body);
    c.read(fields);
    EXPECT_THAT(fields.problem().value_or("nothing"), HasSubstr(c.problem)) << c.body;
  }
}

TEST(RequestFields, ReadALimitOfTheQuery) {
  ApiRequest request;
  EXPECT_EQ(read_limit(request, 50, 20).value(), 20U);
  for (const auto& [text, is_valid] :
       {std::pair("1", true), {"50", true}, {"51", false}, {"0", false}, {"", false}, {"-1", false}, {"1x", false}}) {
    request.query = {{"limit", text}};
    EXPECT_EQ(read_limit(request, 50, 20).has_value(), is_valid) << text;
  }
}

}  // namespace
}  // namespace postern::api
