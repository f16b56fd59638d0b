#include "lab/expectation.h"

#include "core/bytes.h"
#include "lab/mail_check.h"
#include "lab/run_look.h"
#include "sandbox/glob.h"

#include <boost/json/serialize.hpp>

#include <algorithm>

namespace postern::lab {
namespace {

constexpr std::size_t kMaxTexts = 50;            // of one member
constexpr std::size_t kMaxLineOctets = 998;      // RFC 5321 §4.5.3.1.6, without its end
constexpr std::size_t kShownOctets = 160;        // of what is told to hold something else

std::string in_quotes(std::string_view text) { return '"' + printable_utf8(text, kShownOctets) + '"'; }

std::string excerpt(std::string_view text) {
  std::string line(text.substr(0, 4 * kShownOctets));
  std::ranges::replace_if(line, [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
  return in_quotes(trim_ascii_space(line));
}

std::vector<HeaderExpectation> read_headers(CheckedObject& object) {
  std::vector<HeaderExpectation> headers;
  const json::value* const value = object.member("header");
  if (!value) return headers;
  const json::object* const fields = value->if_object();
  if (!fields || fields->size() > kMaxTexts) object.fail("header", "has to be an object of at most 50 fields");
  for (const auto& [name, wanted] : fields ? *fields : json::object()) {
    if (wanted.is_string()) {
      headers.push_back({std::string(name), std::string(wanted.get_string()), true});
    } else if (wanted.is_bool()) {
      headers.push_back({std::string(name), std::nullopt, wanted.get_bool()});
    } else {
      object.fail("header", "of each field a text that it holds, or true or false: whether it is there");
    }
  }
  return headers;
}

Expectation read_expectation(const json::value& value, const std::string& place, std::vector<std::string>& problems) {
  CheckedObject object(value, place, problems);
  Expectation wanted;
  wanted.pattern = read_mail_pattern(object);
  const auto count = object.number("count", 0, 1'000'000);
  const auto at_least = object.number("at_least", 0, 1'000'000);
  wanted.at_most = object.number("at_most", 0, 1'000'000);
  if (count && (at_least || wanted.at_most)) object.fail("count", "excludes at_least and at_most");
  wanted.at_least = count.value_or(at_least.value_or(wanted.at_most == 0 ? 0 : 1));
  if (count) wanted.at_most = count;
  wanted.text = object.texts("text", kMaxTexts);
  wanted.no_text = object.texts("no_text", kMaxTexts);
  wanted.html = object.texts("html", kMaxTexts);
  wanted.headers = read_headers(object);
  wanted.attachments = object.texts("attachments", kMaxTexts);
  wanted.link = object.text("link");
  wanted.max_octets = object.number("max_octets", 1, UINT64_MAX);
  wanted.wants_code = object.boolean("code").value_or(false);
  wanted.wants_both_parts = object.boolean("both_parts").value_or(false);
  wanted.wants_one_click = object.boolean("one_click").value_or(false);
  wanted.wants_sound_lines = object.boolean("sound_lines").value_or(false);
  wanted.wants_no_faults = object.boolean("no_faults").value_or(false);
  wanted.name = object.text("name").value_or(describe(wanted.pattern));
  object.refuse_unknown();
  return wanted;
}

void judge_texts(const Expectation& wanted, const CapturedMail& mail, std::vector<std::string>& problems) {
  const std::string words = wanted.text.empty() && wanted.no_text.empty() ? std::string() : mail.words();
  for (const std::string& text : wanted.text) {
    if (words.find(text) == std::string::npos) {
      problems.push_back("text: expected to hold " + in_quotes(text) + "; it says " + excerpt(words));
    }
  }
  for (const std::string& text : wanted.no_text) {
    if (words.find(text) == std::string::npos) continue;
    problems.push_back("no_text: expected not to hold " + in_quotes(text) + ", and it does");
  }
  for (const std::string& text : wanted.html) {
    if (mail.read.html.value_or("").find(text) != std::string::npos) continue;
    problems.push_back("html: expected to hold " + in_quotes(text) + "; " +
                       (mail.read.html ? "it is " + excerpt(*mail.read.html) : std::string("there is no HTML")));
  }
}

void judge_header(const HeaderExpectation& wanted, const CapturedMail& mail, std::vector<std::string>& problems) {
  const std::vector<std::string> values = mail.field_values(wanted.name);
  const std::string field = "header " + printable_utf8(wanted.name, 80) + ": ";
  if (values.empty() != wanted.is_there && !wanted.holds) return;
  if (!wanted.is_there) return problems.push_back(field + "expected not to be there; it is " + in_quotes(values.front()));
  if (values.empty()) return problems.push_back(field + "expected to be there, and is not");
  const bool holds = std::ranges::any_of(values, [&](const std::string& value) {
    return value.find(*wanted.holds) != std::string::npos;
  });
  if (!holds) problems.push_back(field + "expected to hold " + in_quotes(*wanted.holds) + "; it is " + in_quotes(values.front()));
}

void judge_parts(const Expectation& wanted, const CapturedMail& mail, std::vector<std::string>& problems) {
  for (const std::string& name : wanted.attachments) {
    const bool is_there = std::ranges::any_of(mail.read.attachments, [&](const mime::ReadAttachment& attachment) {
      return sandbox::fits_glob(name, attachment.filename);
    });
    if (is_there) continue;
    std::string names;
    for (const auto& attachment : mail.read.attachments) names += (names.empty() ? "" : ", ") + in_quotes(attachment.filename);
    problems.push_back("attachments: expected " + in_quotes(name) + "; there " + (names.empty() ? "is none" : "are " + names));
  }
  if (!wanted.wants_both_parts || (mail.read.text && mail.read.html)) return;
  problems.push_back(std::string("both_parts: expected text and HTML; ") + (mail.read.text   ? "there is no HTML"
                                                                            : mail.read.html ? "there is no text"
                                                                                             : "there is neither"));
}

void judge_links(const Expectation& wanted, const CapturedMail& mail, std::vector<std::string>& problems) {
  if (!wanted.link) return;
  const auto links = mail.links();
  if (std::ranges::any_of(links, [&](const web::MailLink& link) { return sandbox::fits_glob(*wanted.link, link.url); })) return;
  std::string found;
  for (std::size_t i = 0; i < links.size() && i < 5; ++i) found += (i == 0 ? "" : ", ") + in_quotes(links[i].url);
  problems.push_back("link: expected " + in_quotes(*wanted.link) + "; there " +
                     (links.empty() ? std::string("is none") : (links.size() == 1 ? "is " : "are ") + found));
}

void judge_form(const Expectation& wanted, const CapturedMail& mail, std::vector<std::string>& problems) {
  if (wanted.max_octets && mail.raw.size() > *wanted.max_octets) {
    problems.push_back("max_octets: expected at most " + std::to_string(*wanted.max_octets) + "; it has " +
                       std::to_string(mail.raw.size()));
  }
  if (wanted.wants_code && mail.codes().empty()) problems.push_back("code: no one-time code was found in " + excerpt(mail.words()));
  if (wanted.wants_one_click && !mail.unsubscribe.is_one_click) {
    problems.push_back("one_click: expected List-Unsubscribe with an https address and "
                       "List-Unsubscribe-Post: List-Unsubscribe=One-Click (RFC 8058)");
  }
  if (!wanted.wants_sound_lines) return;
  if (mail.longest_line > kMaxLineOctets) {
    problems.push_back("sound_lines: a line has " + std::to_string(mail.longest_line) + " octets, more than 998");
  }
  if (mail.has_bare_line_end) problems.push_back("sound_lines: a CR or an LF stands alone");
}

std::string wanted_count(const Expectation& wanted) {
  if (wanted.at_most == wanted.at_least) return std::to_string(wanted.at_least);
  if (!wanted.at_most) return "at least " + std::to_string(wanted.at_least);
  return std::to_string(wanted.at_least) + " to " + std::to_string(*wanted.at_most);
}

bool opens_mail(const Expectation& wanted) {
  return !wanted.text.empty() || !wanted.no_text.empty() || !wanted.html.empty() || !wanted.headers.empty() ||
         !wanted.attachments.empty() || wanted.link || wanted.max_octets || wanted.wants_code || wanted.wants_both_parts ||
         wanted.wants_one_click || wanted.wants_sound_lines || wanted.wants_no_faults;
}

}  // namespace

Result<std::vector<Expectation>> read_expectations(const json::value& body) {
  std::vector<std::string> problems;
  std::vector<Expectation> expectations;
  CheckedObject object(body, {}, problems);
  const json::array* const list = object.list("expect", kMaxExpectations);
  if (problems.empty() && (!list || list->empty())) object.fail("expect", "has to be a list of expectations");
  for (std::size_t i = 0; list && i < list->size(); ++i) {
    expectations.push_back(read_expectation((*list)[i], "expect[" + std::to_string(i) + ']', problems));
  }
  if (!problems.empty()) return Error(ErrorCode::InvalidArgument, joined_problems(problems));
  return expectations;
}

std::vector<std::string> judge_mail(const Expectation& expectation, const CapturedMail& mail) {
  std::vector<std::string> problems;
  judge_texts(expectation, mail, problems);
  for (const HeaderExpectation& header : expectation.headers) judge_header(header, mail, problems);
  judge_parts(expectation, mail, problems);
  judge_links(expectation, mail, problems);
  judge_form(expectation, mail, problems);
  if (!expectation.wants_no_faults) return problems;
  for (const MailFinding& finding : check_mail(mail)) {
    if (finding.severity == Severity::Fault) problems.push_back("no_faults: " + finding.words);
  }
  return problems;
}

Result<std::vector<Verdict>> judge_run(const store::Spool& spool, const AccountId& account, std::string_view run,
                                       const std::vector<Expectation>& expectations) {
  std::vector<Verdict> verdicts;
  for (const Expectation& wanted : expectations) {
    const auto look = look_at_run(spool, account, run, wanted.pattern);
    if (!look) return look.error();
    Verdict& verdict = verdicts.emplace_back(Verdict{wanted.name, {}, {}});
    if (look->count < wanted.at_least || (wanted.at_most && look->count > *wanted.at_most)) {
      verdict.problems.push_back("count: expected " + wanted_count(wanted) + "; " + describe(*look, wanted.pattern));
    }
    for (std::size_t i = 0; i < look->met.size(); ++i) {
      verdict.mails.push_back(look->met[i].message.id);
      if (!opens_mail(wanted) || i >= kMaxMailPerExpectation) continue;
      const auto mail = load_mail(spool, look->met[i]);
      const std::string name = format_message_id(look->met[i].message.id) + ": ";
      if (!mail) {
        verdict.problems.push_back(name + "its content is gone");
        continue;
      }
      for (std::string& problem : judge_mail(wanted, *mail)) verdict.problems.push_back(name + problem);
    }
  }
  return verdicts;
}

bool have_passed(const std::vector<Verdict>& verdicts) { return std::ranges::all_of(verdicts, &Verdict::has_passed); }

json::array verdicts_json(const std::vector<Verdict>& verdicts) {
  json::array list;
  for (const Verdict& verdict : verdicts) {
    json::array mails;
    for (const MessageId& id : verdict.mails) mails.emplace_back(format_message_id(id));
    json::array problems;
    for (const std::string& problem : verdict.problems) problems.emplace_back(problem);
    list.push_back(json::object{{"name", verdict.name},
                                {"passed", verdict.has_passed()},
                                {"emails", std::move(mails)},
                                {"problems", std::move(problems)}});
  }
  return list;
}

std::string format_tap(const std::vector<Verdict>& verdicts) {
  std::string text = "TAP version 14\n1.." + std::to_string(verdicts.size()) + '\n';
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    std::string name = verdicts[i].name;
    std::ranges::replace(name, '#', ' ');  // what follows it would be a directive
    std::ranges::replace(name, '\n', ' ');
    text += (verdicts[i].has_passed() ? "ok " : "not ok ") + std::to_string(i + 1) + " - " + name + '\n';
    if (verdicts[i].has_passed()) continue;
    text += "  ---\n  problems:\n";
    for (const std::string& problem : verdicts[i].problems) {
      text += "    - " + json::serialize(json::value(problem)) + '\n';
    }
    text += "  ...\n";
  }
  return text;
}

}  // namespace postern::lab
