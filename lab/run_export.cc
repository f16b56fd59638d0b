#include "lab/run_export.h"

#include "api/message_lookup.h"
#include "api/own_email.h"
#include "core/base64.h"
#include "core/bytes.h"
#include "core/mailbox.h"
#include "lab/run_journal.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>

namespace postern::lab {
namespace {

constexpr std::string_view kExportObject = "run_export";
constexpr std::uint64_t kExportVersion = 1;
constexpr std::size_t kMostMails = kMaxJournalMessages;
constexpr std::size_t kMostRecipients = 10'000;
constexpr std::size_t kMostContent = 128 * 1024 * 1024;
constexpr std::size_t kExportedAtOnce = 200;
constexpr std::uint64_t kMostMicroseconds = UINT64_C(400) * 24 * 3600 * 1'000'000;  // of a clock

constexpr std::array<std::pair<BodyType, std::string_view>, 3> kBodies = {
    {{BodyType::SevenBit, "7BIT"}, {BodyType::EightBitMime, "8BITMIME"}, {BodyType::BinaryMime, "BINARYMIME"}}};

std::string notify_text(const Notify& notify) {
  if (!notify.is_given) return {};
  if (notify.never) return "NEVER";
  std::string text;
  const auto add = [&text](bool is_wanted, std::string_view word) {
    if (is_wanted) text.append(text.empty() ? "" : ",").append(word);
  };
  add(notify.success, "SUCCESS");
  add(notify.failure, "FAILURE");
  add(notify.delay, "DELAY");
  return text;
}

Notify read_notify(std::string_view text) {
  const auto has = [text](std::string_view word) { return text.find(word) != std::string_view::npos; };
  return {.is_given = !text.empty(),
          .never = has("NEVER"),
          .success = has("SUCCESS"),
          .failure = has("FAILURE"),
          .delay = has("DELAY")};
}

json::object mail_json(const store::MessageRecord& message, const std::string& content, Instant start) {
  json::array to;
  for (const Recipient& recipient : message.envelope.recipients) {
    to.push_back(json::object{
        {"address", format_mailbox(recipient.mailbox)}, {"notify", notify_text(recipient.notify)}, {"orcpt", recipient.orcpt}});
  }
  const EnvelopeParameters& parameters = message.envelope.parameters;
  const DsnReturn ret = parameters.ret;
  return {{"at_microseconds", (message.accepted_at - start).count()},
          {"from", message.envelope.reverse_path ? format_mailbox(*message.envelope.reverse_path) : std::string()},
          {"to", std::move(to)},
          {"body", std::ranges::find(kBodies, parameters.body, &std::pair<BodyType, std::string_view>::first)->second},
          {"smtputf8", parameters.smtputf8},
          {"ret", ret == DsnReturn::Full ? "FULL" : ret == DsnReturn::Headers ? "HDRS" : ""},
          {"envid", parameters.envid},
          {"content", encode_base64(content)}};
}

Mailbox read_address(CheckedObject& object, std::string_view name, const std::string& text) {
  const auto mailbox = parse_mailbox(text);
  if (!mailbox) object.fail(name, "has to be an address");
  return mailbox ? *mailbox : Mailbox{};
}

Recipient read_recipient(const json::value& value, const std::string& place, std::vector<std::string>& problems) {
  CheckedObject object(value, place, problems);
  Recipient recipient;
  recipient.mailbox = read_address(object, "address", object.text("address").value_or(""));
  recipient.notify = read_notify(object.text("notify").value_or(""));
  recipient.orcpt = object.text("orcpt").value_or("");
  object.refuse_unknown();
  return recipient;
}

ExportedMail read_mail(const json::value& value, const std::string& place, std::vector<std::string>& problems) {
  CheckedObject object(value, place, problems);
  ExportedMail mail;
  mail.at = Duration{static_cast<Duration::rep>(object.number("at_microseconds", 0, kMostMicroseconds).value_or(0))};
  const auto from = object.text("from");
  if (from && !from->empty()) mail.envelope.reverse_path = read_address(object, "from", *from);
  const json::array* const to = object.list("to", kMostRecipients);
  for (std::size_t i = 0; to && i < to->size(); ++i) {
    mail.envelope.recipients.push_back(read_recipient((*to)[i], object.place_of("to[" + std::to_string(i) + ']'), problems));
  }
  if (mail.envelope.recipients.empty()) object.fail("to", "has to name a recipient");
  const std::string body = object.text("body").value_or("7BIT");
  const auto known = std::ranges::find(kBodies, body, &std::pair<BodyType, std::string_view>::second);
  if (known == kBodies.end()) object.fail("body", "has to be 7BIT, 8BITMIME or BINARYMIME");
  EnvelopeParameters& parameters = mail.envelope.parameters;
  parameters.body = known == kBodies.end() ? BodyType::SevenBit : known->first;
  parameters.smtputf8 = object.boolean("smtputf8").value_or(false);
  const std::string ret = object.text("ret").value_or("");
  parameters.ret = ret == "FULL" ? DsnReturn::Full : ret == "HDRS" ? DsnReturn::Headers : DsnReturn::Unspecified;
  parameters.envid = object.text("envid").value_or("");
  auto content = decode_base64(object.text("content", kMostContent).value_or(""));
  if (!content) object.fail("content", "has to be Base64");
  mail.content = content ? std::move(*content) : std::string();
  object.refuse_unknown();
  return mail;
}

// --- Two journals ----------------------------------------------------------------------------------------------------

class Comparison {
 public:
  void say(std::string sentence) {
    if (differences_.size() < kMaxDifferences) differences_.push_back(std::move(sentence));
  }
  void compare(const std::string& what, const json::value& before, const json::value& after) {
    if (before != after) say(what + ": was " + json::serialize(before) + ", is " + json::serialize(after));
  }
  // Element by element; `name` says which one it is.
  template <class Name, class Each>
  void compare_lists(const std::string& what, const json::array& before, const json::array& after, Name name, Each each) {
    for (std::size_t i = 0; i < std::min(before.size(), after.size()); ++i) each(name(i), before[i], after[i]);
    for (std::size_t i = after.size(); i < before.size(); ++i) say(name(i) + " is gone: " + json::serialize(before[i]));
    for (std::size_t i = before.size(); i < after.size(); ++i) say(name(i) + " is new: " + json::serialize(after[i]));
    if (before.size() != after.size()) {
      say(what + ": were " + std::to_string(before.size()) + ", are " + std::to_string(after.size()));
    }
  }
  std::vector<std::string> take() { return std::move(differences_); }

 private:
  std::vector<std::string> differences_;
};

json::array list_of(const json::object& journal, std::string_view name) {
  const json::value* const value = journal.if_contains(name);
  return value && value->is_array() ? value->get_array() : json::array();
}

// What the script did as the next hop.
json::array delivery_matches(const json::object& journal) {
  json::array matches;
  for (const json::value& match : list_of(journal, "matches")) {
    const json::value* const stage = match.is_object() ? match.get_object().if_contains("stage") : nullptr;
    if (stage && *stage == "delivery") matches.push_back(match);
  }
  return matches;
}

void compare_messages(Comparison& comparison, const std::string& what, const json::value& before, const json::value& after) {
  if (!before.is_object() || !after.is_object()) return comparison.compare(what, before, after);
  for (const std::string_view member : {"kind", "from", "to", "subject"}) {
    const json::value* const was = before.get_object().if_contains(member);
    const json::value* const is = after.get_object().if_contains(member);
    comparison.compare(what + ", " + std::string(member), was ? *was : json::value(), is ? *is : json::value());
  }
  comparison.compare_lists(
      what + ", events", list_of(before.get_object(), "events"), list_of(after.get_object(), "events"),
      [&](std::size_t i) { return what + ", event " + std::to_string(i + 1); },
      [&](const std::string& event, const json::value& was, const json::value& is) { comparison.compare(event, was, is); });
}

}  // namespace

Result<json::object> export_run(const store::Spool& spool, relay::RunBook& runs, const AccountId& account, std::string_view run) {
  const auto record = spool.find_run(account, run);
  if (!record) return record.error();
  if (!*record) return Error(ErrorCode::NotFound, "nobody made this run");
  if (!(*record)->clock) return Error(ErrorCode::InvalidArgument, "a run without a clock of its own cannot be played again");
  auto journal = make_journal(spool, &runs, account, run);
  if (!journal) return journal.error();
  std::vector<std::pair<std::uint64_t, json::object>> mails;  // in the order of their acceptance
  std::uint64_t octets = 0;
  std::optional<MessageId> after;
  for (bool has_more = true; has_more && mails.size() < kMostMails;) {
    const auto part = spool.list_run_after(account, run, after, kExportedAtOnce);
    if (!part) return part.error();
    has_more = part->size() == kExportedAtOnce;
    for (const store::StoredMessage& stored : *part) {
      after = stored.message.id;
      if (stored.message.origin != store::MessageOrigin::Submission) continue;
      const auto content = api::read_content(spool, stored.message);
      if (!content) return Error(ErrorCode::LimitExceeded, "the content of " + format_message_id(*after) + " is not kept any more");
      octets += content->size();
      if (octets > kMaxExportedOctets) return Error(ErrorCode::LimitExceeded, "the run's mail has more than 64 MiB");
      const auto first = spool.events_of_after(*after, 0, 1);
      if (!first) return first.error();
      const std::uint64_t sequence = first->empty() ? UINT64_MAX : first->front().sequence;
      mails.emplace_back(sequence, mail_json(stored.message, *content, (*record)->clock_start));
    }
  }
  std::ranges::stable_sort(mails, {}, [](const auto& mail) { return mail.first; });
  json::array list;
  for (auto& [sequence, mail] : mails) list.push_back(std::move(mail));
  const bool has_script = !(*record)->script.empty();
  return json::object{{"object", kExportObject},
                      {"version", kExportVersion},
                      {"run", run},
                      {"seed", (*record)->seed},
                      {"script", has_script ? json::parse((*record)->script) : json::value(nullptr)},
                      {"clock_microseconds", (*(*record)->clock - (*record)->clock_start).count()},
                      {"mails", std::move(list)},
                      {"journal", std::move(*journal)}};
}

Result<RunExport> read_run_export(const json::value& value) {
  std::vector<std::string> problems;
  CheckedObject object(value, {}, problems);
  RunExport run;
  if (object.text("object") != kExportObject) object.fail("object", "has to be run_export");
  if (object.number("version", 0, UINT32_MAX) != kExportVersion) object.fail("version", "is none that this program reads");
  run.run = object.text("run").value_or("");
  run.seed = object.number("seed", 0, INT64_MAX).value_or(0);
  if (const json::value* const script = object.member("script")) run.script = *script;
  run.clock = Duration{static_cast<Duration::rep>(object.number("clock_microseconds", 0, kMostMicroseconds).value_or(0))};
  const json::array* const mails = object.list("mails", kMostMails);
  for (std::size_t i = 0; mails && i < mails->size(); ++i) {
    run.mails.push_back(read_mail((*mails)[i], object.place_of("mails[" + std::to_string(i) + ']'), problems));
  }
  const json::value* const journal = object.member("journal");
  if (!journal || !journal->is_object()) object.fail("journal", "has to be the run's journal");
  if (journal && journal->is_object()) run.journal = journal->get_object();
  object.refuse_unknown();
  if (!problems.empty()) return Error(ErrorCode::InvalidArgument, joined_problems(problems));
  return run;
}

std::vector<std::string> journal_differences(const json::object& before, const json::object& after) {
  Comparison comparison;
  const auto compare = [&](const std::string& what, const json::value& was, const json::value& is) {
    comparison.compare(what, was, is);
  };
  comparison.compare_lists(
      "messages", list_of(before, "messages"), list_of(after, "messages"),
      [](std::size_t i) { return "message " + std::to_string(i + 1); },
      [&](const std::string& what, const json::value& was, const json::value& is) { compare_messages(comparison, what, was, is); });
  comparison.compare_lists(
      "matches at delivery", delivery_matches(before), delivery_matches(after),
      [](std::size_t i) { return "match " + std::to_string(i + 1); }, compare);
  comparison.compare_lists(
      "suppressions", list_of(before, "suppressions"), list_of(after, "suppressions"),
      [](std::size_t i) { return "suppression " + std::to_string(i + 1); }, compare);
  return comparison.take();
}

}  // namespace postern::lab
