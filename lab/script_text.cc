#include "lab/script_text.h"

#include "core/bytes.h"
#include "lab/toml_json.h"

#include <boost/json/parse.hpp>

#include <algorithm>

namespace postern::lab {
namespace {

using sandbox::ScriptRule;
using sandbox::Stage;

constexpr std::uint64_t kMost = 1'000'000'000;
constexpr std::string_view kStageNames = "connect, ehlo, auth, mail, rcpt, data, content or delivery";

// "451 4.7.1 Try again later", "550 No such user".
std::optional<Status> parse_reply(std::string_view text) {
  const auto code = parse_unsigned(text.substr(0, 3));
  if (!code || *code < 400 || *code > 599 || (text.size() > 3 && text[3] != ' ')) return std::nullopt;
  if (!is_printable_ascii(text)) return std::nullopt;
  Status status{static_cast<std::uint16_t>(*code), std::nullopt, {}};
  std::string_view rest = trim_ascii_space(text.substr(3));
  const std::size_t end = std::min(rest.find(' '), rest.size());
  if (const auto enhanced = parse_enhanced_code(rest.substr(0, end))) {
    if (enhanced->klass != *code / 100) return std::nullopt;
    status.enhanced = *enhanced;
    rest = trim_ascii_space(rest.substr(end));
  }
  status.text = rest.empty() ? "scripted" : std::string(rest);
  return status;
}

// 3, "1-3", "4-", "-2".
std::optional<sandbox::CountRange> parse_range(const json::value& value) {
  boost::system::error_code failed;
  if (value.is_number()) {
    const auto number = value.to_number<std::uint32_t>(failed);
    return failed || number == 0 ? std::nullopt : std::optional(sandbox::CountRange{number, number});
  }
  if (!value.is_string()) return std::nullopt;
  const std::string_view text(value.get_string());
  const std::size_t hyphen = text.find('-');
  sandbox::CountRange range;
  const auto first = parse_unsigned(text.substr(0, hyphen));
  if (first && *first <= kMost) range.first = static_cast<std::uint32_t>(*first);
  if (!first && hyphen != 0) return std::nullopt;
  if (hyphen == std::string_view::npos) {
    range.last = range.first;
  } else if (hyphen + 1 < text.size()) {
    const auto last = parse_unsigned(text.substr(hyphen + 1));
    if (!last || *last > kMost) return std::nullopt;
    range.last = static_cast<std::uint32_t>(*last);
  } else if (hyphen == 0) {
    return std::nullopt;
  }
  return range.first == 0 || range.first > range.last ? std::nullopt : std::optional(range);
}

class RuleReader {
 public:
  RuleReader(const json::value& value, std::string place, std::vector<std::string>& problems)
      : object_(value, std::move(place), problems) {}

  ScriptRule read(std::size_t number) {
    read_match();
    read_action();
    rule_.name = object_.text("name", 100).value_or("rule " + std::to_string(number));
    object_.refuse_unknown();
    check();
    return std::move(rule_);
  }

 private:
  bool is_in_session() const { return rule_.stage != Stage::Delivery; }

  std::optional<std::string> pattern(std::string_view name) {
    auto text = object_.text(name, 400);
    if (text) *text = to_ascii_lower(*text);
    return text;
  }
  std::optional<sandbox::CountRange> range(std::string_view name) {
    const json::value* const value = object_.member(name);
    if (!value) return std::nullopt;
    auto range = parse_range(*value);
    if (!range) object_.fail(name, "has to be a number such as 3, or a range such as \"1-3\" or \"4-\"");
    return range;
  }
  void read_match() {
    const auto stage = object_.text("stage");
    const auto parsed = stage ? sandbox::parse_stage(*stage) : std::nullopt;
    if (!parsed) object_.fail("stage", "has to be " + std::string(kStageNames));
    rule_.stage = parsed.value_or(Stage::Delivery);
    rule_.to = pattern("to");
    rule_.from = pattern("from");
    rule_.attempt = range("attempt");
    rule_.message = range("message");
    if (const auto above = object_.number("above_per_minute", 0, kMost)) rule_.above = static_cast<std::uint32_t>(*above);
    rule_.chance = object_.share("chance").value_or(1);
    rule_.times = static_cast<std::uint32_t>(object_.number("times", 1, kMost).value_or(0));
  }
  void read_action() {
    if (const auto text = object_.text("reply", 400)) {
      rule_.reply = parse_reply(*text);
      if (!rule_.reply) object_.fail("reply", "has to be a code from 400 to 599, perhaps x.y.z of the same class, and a text");
    }
    const auto most = std::chrono::duration_cast<std::chrono::milliseconds>(sandbox::kLongestScriptDelay).count();
    rule_.delay = std::chrono::milliseconds(object_.number("delay_ms", 1, static_cast<std::uint64_t>(most)).value_or(0));
    const auto drop = object_.text("drop");
    if (drop && *drop != "fin" && *drop != "rst") object_.fail("drop", "has to be fin or rst");
    if (drop) rule_.hangup = *drop == "rst" ? sandbox::Hangup::Rst : sandbox::Hangup::Fin;
    rule_.complains = object_.boolean("complain").value_or(false);
    const auto tls = object_.text("tls");
    if (tls && *tls != "missing" && *tls != "bad_certificate") object_.fail("tls", "has to be missing or bad_certificate");
    if (tls) rule_.tls = *tls == "missing" ? sandbox::NextHopTls::Missing : sandbox::NextHopTls::BadCertificate;
    const auto greylist = object_.number("greylist", 1, 100);
    if (!greylist) return;
    if (rule_.attempt || rule_.reply) object_.fail("greylist", "stands for attempt and reply");
    rule_.attempt = sandbox::CountRange{1, static_cast<std::uint32_t>(*greylist)};
    rule_.reply = Status{451, EnhancedCode{4, 7, 1}, "Greylisted: try again later"};
  }
  void check() {
    const bool has_recipient = rule_.stage == Stage::Rcpt || rule_.stage == Stage::Delivery;
    if (rule_.to && !has_recipient) object_.fail("to", "only rcpt and delivery are about one recipient");
    if (rule_.attempt && !has_recipient) object_.fail("attempt", "only rcpt and delivery are about one recipient");
    if (rule_.from && rule_.stage <= Stage::Auth) object_.fail("from", "nobody has said yet who sends");
    if (rule_.message && rule_.stage <= Stage::Auth) object_.fail("message", "there is none yet");
    if (rule_.tls != sandbox::NextHopTls::Good && is_in_session()) object_.fail("tls", "is for delivery");
    if (rule_.tls != sandbox::NextHopTls::Good && (rule_.reply || rule_.complains)) object_.fail("tls", "is an action by itself");
    if (rule_.complains && is_in_session()) object_.fail("complain", "is for delivery");
    if (rule_.complains && rule_.reply) object_.fail("complain", "excludes reply");
    if (!is_in_session() && (rule_.delay > Duration{0} || rule_.hangup != sandbox::Hangup::None)) {
      object_.fail("delay_ms, drop", "are for the session: delivery has replies");
    }
    if (rule_.hangup != sandbox::Hangup::None && rule_.reply) object_.fail("drop", "excludes reply: nothing is answered");
    // A rule without an action is one that lets through what later rules would stop.
  }

  CheckedObject object_;
  ScriptRule rule_;
};

constexpr std::array kLibrary = std::to_array<LibraryScript>({
    {"greylisting", "the next hop takes a recipient at the third attempt",
     R"({"name":"greylisting","rules":[{"stage":"delivery","greylist":2}]})"},
    {"greylisting-client", "the relay itself greylists: the second RCPT for a recipient is taken",
     R"({"name":"greylisting-client","rules":[{"stage":"rcpt","greylist":1}]})"},
    {"rate-limit", "above ten messages a minute MAIL is answered 451",
     R"({"name":"rate-limit","rules":[{"stage":"mail","above_per_minute":10,"reply":"451 4.7.0 Rate limit exceeded"}]})"},
    {"outage", "the next hop defers everything until the mail expires",
     R"({"name":"outage","rules":[{"stage":"delivery","reply":"421 4.3.2 Service not available"}]})"},
    {"short-outage", "the next hop is down for the first five attempts",
     R"({"name":"short-outage","rules":[{"stage":"delivery","attempt":"1-5","reply":"421 4.3.2 Service not available"}]})"},
    {"full-mailbox", "the mailbox is full, for good",
     R"({"name":"full-mailbox","rules":[{"stage":"delivery","reply":"552 5.2.2 Mailbox full"}]})"},
    {"tls-lost", "the next hop offers no STARTTLS for the first three attempts",
     R"({"name":"tls-lost","rules":[{"stage":"delivery","attempt":"1-3","tls":"missing"}]})"},
    {"spam-folder", "greylisted once, then delivered and called spam",
     R"({"name":"spam-folder","rules":[{"stage":"delivery","greylist":1},{"stage":"delivery","complain":true}]})"},
    {"content-filter", "every message is refused at its end as spam",
     R"({"name":"content-filter","rules":[{"stage":"content","reply":"550 5.7.1 Message refused as spam"}]})"},
    {"lost-reply", "the connection ends after the final dot of the first message, which is kept",
     R"({"name":"lost-reply","rules":[{"stage":"content","times":1,"drop":"fin"}]})"},
    {"flaky", "one in ten connections is reset at RCPT, one in ten messages deferred at its end",
     R"({"name":"flaky","rules":[{"stage":"rcpt","chance":0.1,"drop":"rst"},)"
     R"({"stage":"content","chance":0.1,"reply":"451 4.3.0 Try again later"}]})"},
    {"slow", "every answer takes two seconds",
     R"({"name":"slow","rules":[{"stage":"mail","delay_ms":2000},{"stage":"rcpt","delay_ms":2000},)"
     R"({"stage":"content","delay_ms":2000}]})"},
    {"login-refused", "the password is taken for wrong for a while",
     R"({"name":"login-refused","rules":[{"stage":"auth","times":2,"reply":"454 4.7.0 Temporary authentication failure"}]})"},
});

}  // namespace

Result<sandbox::Script> read_script(const json::value& value, const std::string& place) {
  std::vector<std::string> problems;
  CheckedObject object(value, place, problems);
  sandbox::Script script;
  script.name = object.text("name", 100).value_or("");
  const json::array* const rules = object.list("rules", sandbox::kMaxRules);
  if (problems.empty() && !rules) object.fail("rules", "has to be a list of rules");
  for (std::size_t i = 0; rules && i < rules->size(); ++i) {
    const std::string where = object.place_of("rules[" + std::to_string(i) + ']');
    script.rules.push_back(RuleReader((*rules)[i], where, problems).read(i + 1));
  }
  object.refuse_unknown();
  if (!problems.empty()) return Error(ErrorCode::InvalidArgument, joined_problems(problems));
  return script;
}

Result<json::value> parse_script_text(std::string_view text) {
  if (!trim_ascii_space(text).starts_with('{')) return toml_to_json(text);
  boost::system::error_code failed;
  json::value value = json::parse(text, failed);
  if (failed) return Error(ErrorCode::InvalidArgument, "it is no JSON: " + failed.message());
  return value;
}

Result<sandbox::Script> compile_script(std::string_view text) {
  const auto value = parse_script_text(text);
  if (!value) return value.error();
  return read_script(*value);
}

std::span<const LibraryScript> script_library() { return kLibrary; }

json::object rule_json(const ScriptRule& rule) {
  return {{"name", rule.name}, {"stage", sandbox::stage_name(rule.stage)}};
}

}  // namespace postern::lab
