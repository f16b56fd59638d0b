#include "lab/run_look.h"

#include "api/email_json.h"
#include "api/record_json.h"
#include "lab/mail_check.h"
#include "lab/script_text.h"

#include <algorithm>
#include <array>
#include <map>

namespace postern::lab {
namespace {

constexpr std::size_t kReadAtOnce = 200;
// In the order in which first_mismatch() asks: a later one came nearer.
constexpr std::array<std::string_view, 7> kMembers = {"kind", "to", "from", "subject", "tag", "message_id", "status"};

std::ptrdiff_t nearness(const NearMiss& miss) { return std::ranges::find(kMembers, miss.differs_in) - kMembers.begin(); }

std::string counted(std::uint64_t count) { return std::to_string(count) + (count == 1 ? " message" : " messages"); }

std::string script_name(const store::RunRecord& run) {
  const auto script = compile_script(run.script);
  return script && !script->name.empty() ? script->name : "unnamed";
}

}  // namespace

Result<RunLook> look_at_run(const store::Spool& spool, const AccountId& account, std::string_view run, const MailPattern& pattern,
                            const std::optional<Instant>& since) {
  RunLook look;
  std::optional<MessageId> after;
  for (bool has_more = true; has_more && look.seen < kMaxLookedAt;) {
    auto part = spool.list_run_after(account, run, after, kReadAtOnce);
    if (!part) return part.error();
    has_more = part->size() == kReadAtOnce;
    for (store::StoredMessage& stored : *part) {
      after = stored.message.id;
      if (since && stored.message.accepted_at < *since) continue;
      ++look.seen;
      const std::string_view mismatch = first_mismatch(pattern, stored);
      if (!mismatch.empty()) {
        look.near_misses.push_back({std::move(stored), std::string(mismatch)});
        continue;
      }
      ++look.count;
      if (look.met.size() < kMaxMet) look.met.push_back(std::move(stored));
    }
  }
  // What is of another kind is no near miss of mail.
  std::erase_if(look.near_misses, [](const NearMiss& miss) { return miss.differs_in == "kind"; });
  std::ranges::stable_sort(look.near_misses, [](const NearMiss& a, const NearMiss& b) { return nearness(a) > nearness(b); });
  if (look.near_misses.size() > kMaxNearMisses) look.near_misses.resize(kMaxNearMisses);
  return look;
}

std::string describe(const RunLook& look, const MailPattern& pattern) {
  if (look.count > 0) return counted(look.count) + " of " + std::to_string(look.seen) + ": " + describe(pattern);
  if (look.seen == 0) return "the run has no message";
  std::string text = counted(look.seen) + ", none is " + describe(pattern);
  for (const NearMiss& miss : look.near_misses) {
    const store::MessageRecord& message = miss.stored.message;
    text += "; near: " + format_message_id(message.id) + " to ";
    text += message.envelope.recipients.empty() ? "nobody" : format_mailbox(message.envelope.recipients.front().mailbox);
    text += " \"" + message.summary.subject + "\" (" + std::string(status_of(pattern, miss.stored)) + ") differs in the " +
            miss.differs_in;
    if (text.size() > 800) break;
  }
  return text;
}

json::object extraction_json(const CapturedMail& mail) {
  json::array codes;
  for (const OneTimeCode& code : mail.codes()) {
    codes.push_back(json::object{{"code", code.code}, {"line", code.line}, {"is_announced", code.is_announced}});
  }
  json::array links;
  for (const web::MailLink& link : mail.links()) {
    links.push_back(json::object{{"url", link.url}, {"element", link.element}, {"text", link.words}});
  }
  json::array addresses;
  for (const std::string& address : mail.unsubscribe.addresses) addresses.emplace_back(address);
  return {{"codes", std::move(codes)},
          {"links", std::move(links)},
          {"unsubscribe", json::object{{"addresses", std::move(addresses)}, {"one_click", mail.unsubscribe.is_one_click}}}};
}

json::array findings_json(const CapturedMail& mail) {
  json::array list;
  for (const MailFinding& finding : check_mail(mail)) {
    list.push_back(json::object{
        {"severity", severity_name(finding.severity)}, {"check", finding.check}, {"message", finding.words}});
  }
  return list;
}

json::object found_mail_json(const store::Spool& spool, const store::StoredMessage& stored) {
  json::object object = api::email_item(stored);
  object["kind"] = stored.message.origin == store::MessageOrigin::Notification ? "notice" : "mail";
  const auto mail = load_mail(spool, stored);
  if (!mail) return object;
  for (auto& [name, value] : extraction_json(*mail)) object[name] = value;
  return object;
}

json::array near_misses_json(const RunLook& look) {
  json::array misses;
  for (const NearMiss& miss : look.near_misses) {
    json::object item = api::email_item(miss.stored);
    item["differs_in"] = miss.differs_in;
    misses.push_back(std::move(item));
  }
  return misses;
}

json::object run_json(const store::RunOutline& outline) {
  json::object object{{"object", "run"},
                      {"run", outline.name},
                      {"messages", outline.messages},
                      {"first_message_at", api::instant_json(outline.first)},
                      {"last_message_at", api::instant_json(outline.last)}};
  const auto& record = outline.record;
  object["label"] = record && !record->label.empty() ? json::value(record->label) : json::value(nullptr);
  object["seed"] = record ? json::value(record->seed) : json::value(nullptr);
  object["created_at"] = record ? api::instant_json(record->created) : json::value(nullptr);
  object["expires_at"] = record ? api::instant_json(record->expires_at) : json::value(nullptr);
  object["clock"] = record ? api::instant_json(record->clock) : json::value(nullptr);
  object["script"] = record && !record->script.empty() ? json::value(script_name(*record)) : json::value(nullptr);
  return object;
}

}  // namespace postern::lab
