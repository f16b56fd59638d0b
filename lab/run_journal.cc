#include "lab/run_journal.h"

#include "core/mailbox.h"
#include "core/status.h"
#include "events/event_json.h"
#include "relay/suppression.h"

#include <boost/json/parse.hpp>

#include <algorithm>
#include <string>

namespace postern::lab {
namespace {

constexpr std::size_t kMessagesAtOnce = 200;

// Seconds since the clock's start, to the microsecond; null where the run has no clock.
class RunTime {
 public:
  explicit RunTime(const std::optional<store::RunRecord>& record) : record_(record) {}
  json::value operator()(Instant at) const {
    if (!record_ || !record_->clock) return nullptr;
    const auto micro = (at - record_->clock_start).count();
    std::string fraction = std::to_string(std::abs(micro) % 1'000'000);
    fraction.insert(0, 6 - fraction.size(), '0');
    return json::value(std::to_string(micro / 1'000'000) + '.' + fraction);
  }

 private:
  const std::optional<store::RunRecord>& record_;
};

json::object journal_event(const Event& event, const RunTime& time) {
  // A notice is known by its place in the journal.
  const bool has_reply = event.status.code != 0;
  return {{"at", time(event.at)},
          {"type", events::event_wire_name(event.type)},
          {"recipient", event.recipient.empty() ? json::value(nullptr) : json::value(event.recipient)},
          {"reply", has_reply ? json::value(format_status(event.status)) : json::value(nullptr)}};
}

struct Entry {
  store::StoredMessage stored;
  std::vector<Event> events;

  std::uint64_t begin() const { return events.empty() ? UINT64_MAX : events.front().sequence; }
};

// In the order in which something happened to them first: ids of one instant are in any.
Result<std::vector<Entry>> list_in_order(const store::Spool& spool, const AccountId& account, std::string_view run) {
  std::vector<Entry> entries;
  std::optional<MessageId> after;
  for (bool has_more = true; has_more && entries.size() < kMaxJournalMessages;) {
    auto part = spool.list_run_after(account, run, after, kMessagesAtOnce);
    if (!part) return part.error();
    has_more = part->size() == kMessagesAtOnce;
    for (store::StoredMessage& stored : *part) {
      after = stored.message.id;
      auto events = spool.events_of(*after);
      if (!events) return events.error();
      entries.push_back({std::move(stored), std::move(*events)});
    }
  }
  std::ranges::stable_sort(entries, {}, &Entry::begin);
  return entries;
}

json::object journal_message(const Entry& entry, std::size_t number, const RunTime& time) {
  const store::MessageRecord& message = entry.stored.message;
  json::array happened;
  for (const Event& event : entry.events) happened.push_back(journal_event(event, time));
  json::array to;
  for (const Recipient& recipient : message.envelope.recipients) to.emplace_back(format_mailbox(recipient.mailbox));
  return {{"number", number},
          {"kind", message.origin == store::MessageOrigin::Notification ? "notice" : "mail"},
          {"from", message.envelope.reverse_path ? format_mailbox(*message.envelope.reverse_path) : std::string()},
          {"to", std::move(to)},
          {"subject", message.summary.subject},
          {"events", std::move(happened)}};
}

json::array journal_matches(const relay::ActiveRun& run, const RunTime& time) {
  json::array matches;
  for (const relay::ScriptMatch& match : run.matches()) {
    const auto& rules = run.script().rules;
    matches.push_back(json::object{{"at", time(match.at)},
                                   {"rule", match.rule < rules.size() ? rules[match.rule].name : std::string()},
                                   {"stage", sandbox::stage_name(match.stage)},
                                   {"from", match.from},
                                   {"to", match.to},
                                   {"attempt", match.attempt}});
  }
  return matches;
}

json::array journal_counts(const relay::ActiveRun& run) {
  json::array counts;
  for (const std::uint32_t count : run.match_counts()) counts.emplace_back(count);
  return counts;
}

json::array journal_suppressions(const relay::ActiveRun& run, const RunTime& time) {
  json::array list;
  for (const store::SuppressionRecord& one : run.suppressions()) {
    list.push_back(json::object{{"address", one.address},
                                {"reason", relay::suppression_reason_name(one.reason)},
                                {"at", time(one.at)},
                                {"until", one.until ? time(*one.until) : json::value(nullptr)}});
  }
  return list;
}

}  // namespace

Result<json::object> make_journal(const store::Spool& spool, relay::RunBook* runs, const AccountId& account, std::string_view run) {
  const auto record = spool.find_run(account, run);
  if (!record) return record.error();
  const RunTime time(*record);
  auto entries = list_in_order(spool, account, run);
  if (!entries) return entries.error();
  json::array messages;
  for (const Entry& entry : *entries) messages.push_back(journal_message(entry, messages.size() + 1, time));
  if (!*record && messages.empty()) return Error(ErrorCode::NotFound);
  const auto active = runs ? runs->find(account, run) : std::nullopt;
  const bool has_script = *record && !(*record)->script.empty();
  return json::object{{"object", "journal"},
                      {"run", run},
                      {"seed", *record ? json::value((*record)->seed) : json::value(nullptr)},
                      {"script", has_script ? json::parse((*record)->script) : json::value(nullptr)},
                      {"clock", *record && (*record)->clock ? time(*(*record)->clock) : json::value(nullptr)},
                      {"match_counts", active ? journal_counts(*active) : json::array()},
                      {"matches", active ? journal_matches(*active, time) : json::array()},
                      {"suppressions", active ? journal_suppressions(*active, time) : json::array()},
                      {"messages", std::move(messages)}};
}

}  // namespace postern::lab
