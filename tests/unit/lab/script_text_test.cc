#include "lab/script_text.h"

#include <boost/json/parse.hpp>
#include <gmock/gmock.h>

namespace postern::lab {
namespace {

using testing::HasSubstr;

TEST(ScriptText, ReadsTomlAndJsonAlike) {
  const auto toml = compile_script(R"(
name = "provider"
[[rules]]
stage = "rcpt"
to = "*@Example.org"
attempt = "1-2"
reply = "451 4.7.1 Try again"
times = 5
[[rules]]
stage = "content"
message = 3
delay_ms = 250
drop = "rst"
)");
  const auto json = compile_script(R"({"name":"provider","rules":[
    {"stage":"rcpt","to":"*@example.org","attempt":"1-2","reply":"451 4.7.1 Try again","times":5},
    {"stage":"content","message":3,"delay_ms":250,"drop":"rst"}]})");
  ASSERT_TRUE(toml) << toml.error().context();
  ASSERT_TRUE(json) << json.error().context();
  for (const sandbox::Script& script : {*toml, *json}) {
    EXPECT_EQ(script.name, "provider");
    ASSERT_EQ(script.rules.size(), 2U);
    EXPECT_EQ(script.rules[0].to, "*@example.org");
    EXPECT_EQ(script.rules[0].attempt->last, 2U);
    EXPECT_EQ(script.rules[0].reply, (Status{451, EnhancedCode{4, 7, 1}, "Try again"}));
    EXPECT_EQ(script.rules[0].times, 5U);
    EXPECT_EQ(script.rules[0].name, "rule 1");
    EXPECT_EQ(script.rules[1].message->first, 3U);
    EXPECT_EQ(script.rules[1].delay, std::chrono::milliseconds(250));
    EXPECT_EQ(script.rules[1].hangup, sandbox::Hangup::Rst);
  }
}

TEST(ScriptText, TellsEverythingThatIsWrongAtOnce) {
  const auto read = compile_script(R"({"name":7,"rules":[{"stage":"later"},{"stage":"rcpt","reply":"250 ok","attempt":"3-1"},
    {"stage":"delivery","delay_ms":5},{"stage":"mail","to":"a","chance":2},{"stage":"data","drop":"both","retry":1}]})");
  ASSERT_FALSE(read);
  for (const char* problem :
       {"name: has to be a text", "rules[0].stage: has to be connect", "rules[1].reply: has to be a code from 400",
        "rules[1].attempt:", "rules[2].delay_ms, drop: are for the session", "rules[3].to: only rcpt",
        "rules[3].chance: has to be a number from 0 to 1", "rules[4].drop: has to be fin or rst",
        "rules[4].retry: there is no such name here"}) {
    EXPECT_THAT(read.error().context(), HasSubstr(problem));
  }
}

TEST(ScriptText, RefusesWhatContradictsItself) {
  for (const char* rule : {R"({"stage":"delivery","complain":true,"reply":"550 no"})",
                           R"({"stage":"rcpt","drop":"fin","reply":"450 x"})",
                           R"({"stage":"rcpt","greylist":2,"attempt":1})", R"({"stage":"auth","from":"a@b"})",
                           R"({"stage":"content","attempt":1})", R"({"stage":"ehlo","message":1})",
                           R"({"stage":"rcpt","tls":"missing"})", R"({"stage":"delivery","tls":"missing","reply":"450 x"})",
                           R"({"stage":"delivery","tls":"old"})", R"({"stage":"rcpt","reply":"451 5.7.1 other class"})"}) {
    EXPECT_FALSE(compile_script("{\"rules\":[" + std::string(rule) + "]}")) << rule;
  }
}

TEST(ScriptText, SaysWhereTheTextIsBroken) {
  EXPECT_THAT(compile_script("name = \"a\"\nrules = [").error().context(), HasSubstr("line 2"));
  EXPECT_THAT(compile_script("{\"rules\":").error().context(), HasSubstr("no JSON"));
  EXPECT_THAT(compile_script("").error().context(), HasSubstr("rules: has to be a list"));
}

TEST(ScriptText, GreylistStandsForTheFirstAttempts) {
  const auto script = compile_script(R"({"rules":[{"stage":"delivery","greylist":2}]})").value();
  EXPECT_EQ(script.rules[0].attempt->last, 2U);
  EXPECT_EQ(script.rules[0].reply->code, 451);
}

TEST(ScriptText, EveryScriptOfTheLibraryIsSound) {
  EXPECT_GE(script_library().size(), 10U);
  for (const LibraryScript& script : script_library()) {
    const auto compiled = compile_script(script.text);
    ASSERT_TRUE(compiled) << script.name << ": " << compiled.error().context();
    EXPECT_EQ(compiled->name, script.name);
    EXPECT_FALSE(compiled->rules.empty());
  }
}

}  // namespace
}  // namespace postern::lab
