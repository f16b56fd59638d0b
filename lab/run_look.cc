#include "lab/run_look.h"

#include "api/email_json.h"
#include "api/record_json.h"
#include "lab/mail_check.h"
#include "lab/script_text.h"

#include <algorithm>
#include <array>
#include <set>

namespace postern::lab {
namespace {

constexpr std::size_t kReadAtOnce = 200;
constexpr std::size_t kEventsAtOnce = 500;
// In the order in which first_mismatch() asks: a later one came nearer.
constexpr std::array<std::string_view, 7> kMembers = {"kind", "to", "from", "subject", "tag", "message_id", "status"};

std::ptrdiff_t nearness(std::string_view differs_in) { return std::ranges::find(kMembers, differs_in) - kMembers.begin(); }

std::string counted(std::uint64_t count) { return std::to_string(count) + (count == 1 ? " message" : " messages"); }

std::string script_name(const store::RunRecord& run) {
  const auto script = compile_script(run.script);
  return script && !script->name.empty() ? script->name : "unnamed";
}

}  // namespace

RunWatch::RunWatch(const AccountId& account, std::string run, MailPattern pattern, std::optional<Instant> since)
    : account_(account), run_(std::move(run)), pattern_(std::move(pattern)), since_(since) {}

void RunWatch::note(const store::StoredMessage& stored) {
  if (store::run_of(stored.message) != run_ || (since_ && stored.message.accepted_at < *since_)) return;
  if (mismatches_.size() < kMaxLookedAt || mismatches_.contains(stored.message.id)) {
    mismatches_[stored.message.id] = first_mismatch(pattern_, stored);
  }
}

Result<void> RunWatch::read_run(const store::Spool& spool) {
  std::optional<MessageId> after;
  for (bool has_more = true; has_more && mismatches_.size() < kMaxLookedAt;) {
    const auto part = spool.list_run_after(account_, run_, after, kReadAtOnce);
    if (!part) return part.error();
    has_more = part->size() == kReadAtOnce;
    for (const store::StoredMessage& stored : *part) {
      after = stored.message.id;
      note(stored);
    }
  }
  return {};
}

// A notice has no event of its own; that it was made is one of its message's.
Result<void> RunWatch::read_events(const store::Spool& spool) {
  std::set<MessageId> touched;
  for (bool has_more = true; has_more;) {
    const auto events = spool.events_of_account_after(account_, *seen_up_to_, kEventsAtOnce);
    if (!events) return events.error();
    has_more = events->size() == kEventsAtOnce;
    for (const Event& event : *events) {
      seen_up_to_ = event.sequence;
      if (event.environment == Environment::Test) touched.insert(event.message);
      if (event.type != EventType::DsnQueued) continue;
      if (const auto notice = parse_message_id(event.detail)) touched.insert(*notice);
    }
  }
  // What becomes of a notice is no event of the account's.
  for (const auto& [id, mismatch] : mismatches_) {
    if (pattern_.wants_notices && mismatch == "status") touched.insert(id);
  }
  for (const MessageId& id : touched) {
    const auto stored = spool.find(id);
    if (!stored) return stored.error();
    if (*stored) note(**stored);
    if (!*stored) mismatches_.erase(id);
  }
  return {};
}

Result<RunLook> RunWatch::look(const store::Spool& spool) {
  if (seen_up_to_) {
    if (const auto read = read_events(spool); !read) return read.error();
  } else {
    const auto last = spool.last_sequence();
    if (!last) return last.error();
    if (const auto read = read_run(spool); !read) return read.error();
    seen_up_to_ = *last;
  }
  RunLook look;
  look.seen = mismatches_.size();
  std::vector<MessageId> met;
  std::vector<std::pair<std::ptrdiff_t, MessageId>> near;
  for (const auto& [id, mismatch] : mismatches_) {
    if (mismatch.empty()) met.push_back(id);
    // What is of another kind is no near miss of mail.
    if (!mismatch.empty() && mismatch != "kind") near.emplace_back(-nearness(mismatch), id);
  }
  look.count = met.size();
  std::ranges::stable_sort(near, {}, [](const auto& miss) { return miss.first; });
  if (near.size() > kMaxNearMisses) near.resize(kMaxNearMisses);
  if (!met.empty()) {
    auto newest = spool.find(met.back());
    if (!newest) return newest.error();
    look.newest = std::move(*newest);
  }
  if (met.size() > kMaxMet) met.resize(kMaxMet);
  for (const MessageId& id : met) {
    auto stored = spool.find(id);
    if (!stored) return stored.error();
    *stored ? look.met.push_back(std::move(**stored)) : static_cast<void>(--look.count);  // deleted meanwhile
  }
  for (const auto& [distance, id] : near) {
    auto stored = spool.find(id);
    if (!stored) return stored.error();
    if (*stored) look.near_misses.push_back({std::move(**stored), std::string(mismatches_.at(id))});
  }
  return look;
}

Result<RunLook> look_at_run(const store::Spool& spool, const AccountId& account, std::string_view run, const MailPattern& pattern,
                            const std::optional<Instant>& since) {
  return RunWatch(account, std::string(run), pattern, since).look(spool);
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
