#include "relay/run_book.h"

#include "core/bytes.h"
#include "core/case_fold.h"
#include "core/mailbox.h"
#include "relay/suppression.h"

#include <algorithm>

namespace postern::relay {

struct ActiveRun::State {
  Instant created;  // of the record it belongs to: a run that is made again begins anew
  std::string text;
  sandbox::Script script;

  std::mutex mutex;
  sandbox::ScriptState asked;
  std::deque<ScriptMatch> matches;
  std::uint32_t messages = 0;
  bool is_changed = false;  // since it was written
  std::map<MessageId, std::uint32_t> ordinals;  // of the messages that were asked about, and those before them
  bool has_suppressions = false;  // they were recalled
  std::map<std::string, store::SuppressionRecord> suppressions;
};

std::string script_address(const std::optional<Mailbox>& mailbox) {
  return mailbox ? to_ascii_lower(normalised_mailbox(*mailbox)) : std::string();
}

const sandbox::Script& ActiveRun::script() const { return state_->script; }

const sandbox::ScriptRule* ActiveRun::decide(const sandbox::ScriptQuestion& question) const {
  if (state_->script.rules.empty()) return nullptr;
  const std::lock_guard lock(state_->mutex);
  const auto rule = state_->asked.decide(state_->script, question, record_.seed);
  state_->is_changed = true;
  if (!rule) return nullptr;
  if (state_->matches.size() == kMaxScriptMatches) state_->matches.pop_front();
  state_->matches.push_back({.at = question.at,
                             .rule = *rule,
                             .stage = question.stage,
                             .from = std::string(question.from),
                             .to = std::string(question.to),
                             .attempt = question.attempt});
  return &state_->script.rules[*rule];
}

std::vector<ScriptMatch> ActiveRun::matches() const {
  const std::lock_guard lock(state_->mutex);
  return {state_->matches.begin(), state_->matches.end()};
}

std::uint32_t ActiveRun::count_message() const {
  const std::lock_guard lock(state_->mutex);
  state_->is_changed = true;
  return ++state_->messages;
}

std::vector<std::uint32_t> ActiveRun::match_counts() const {
  const std::lock_guard lock(state_->mutex);
  std::vector<std::uint32_t> counts;
  for (std::size_t i = 0; i < state_->script.rules.size(); ++i) counts.push_back(state_->asked.used(i));
  return counts;
}

void ActiveRun::recall_suppressions(const Recall& recall) const {
  {
    const std::lock_guard lock(state_->mutex);
    if (std::exchange(state_->has_suppressions, true)) return;
  }
  suppress(recall());
}

void ActiveRun::suppress(const std::vector<store::SuppressionRecord>& suppressions) const {
  const std::lock_guard lock(state_->mutex);
  for (const store::SuppressionRecord& suppression : suppressions) {
    const bool has_room = state_->suppressions.size() < kMaxRunSuppressions || state_->suppressions.contains(suppression.address);
    if (has_room) state_->suppressions.insert_or_assign(suppression.address, suppression);
  }
}

bool ActiveRun::is_suppressed(const Mailbox& mailbox, Instant now) const {
  const std::lock_guard lock(state_->mutex);
  const auto found = state_->suppressions.find(fold_case(normalised_mailbox(mailbox)));
  return found != state_->suppressions.end() && is_in_force(found->second, now);
}

std::vector<store::SuppressionRecord> ActiveRun::suppressions() const {
  const std::lock_guard lock(state_->mutex);
  std::vector<store::SuppressionRecord> all;
  for (const auto& [address, suppression] : state_->suppressions) all.push_back(suppression);
  return all;
}

// With what an earlier process wrote of it.
std::shared_ptr<ActiveRun::State> RunBook::make_state(const store::RunRecord& record) const {
  auto state = std::make_shared<ActiveRun::State>();
  state->created = record.created;
  state->text = record.script;
  if (auto script = state->text.empty() ? sandbox::Script() : compile_(state->text); script) state->script = std::move(*script);
  const auto memory = spool_.find_run_memory(record.account, record.name);
  if (!memory || !*memory || (*memory)->created != record.created) return state;
  std::map<std::size_t, std::uint32_t> used;
  for (std::size_t i = 0; i < (*memory)->used.size(); ++i) used[i] = (*memory)->used[i];
  sandbox::ScriptState::Attempts attempts;
  for (const store::AskedPair& pair : (*memory)->pairs) attempts[{pair.from, pair.to}] = pair.attempts;
  state->asked.restore(std::move(used), std::move(attempts));
  state->messages = (*memory)->messages;
  for (const store::RuleMatch& match : (*memory)->matches) {
    if (match.rule >= state->script.rules.size()) continue;
    state->matches.push_back({.at = match.at,
                              .rule = match.rule,
                              .stage = state->script.rules[match.rule].stage,
                              .from = match.from,
                              .to = match.to,
                              .attempt = match.attempt});
  }
  return state;
}

Result<void> RunBook::save() {
  std::vector<std::pair<Key, std::shared_ptr<ActiveRun::State>>> all;
  {
    const std::lock_guard lock(mutex_);
    all.assign(states_.begin(), states_.end());
  }
  std::vector<store::RunMemory> memories;
  for (const auto& [key, state] : all) {
    const std::lock_guard lock(state->mutex);
    if (!std::exchange(state->is_changed, false)) continue;
    store::RunMemory memory;
    memory.account = key.first;
    memory.name = key.second;
    memory.created = state->created;
    memory.messages = state->messages;
    for (std::size_t i = 0; i < state->script.rules.size(); ++i) memory.used.push_back(state->asked.used(i));
    for (const auto& [pair, attempts] : state->asked.attempts()) memory.pairs.push_back({pair.first, pair.second, attempts});
    for (const ScriptMatch& match : state->matches) {
      memory.matches.push_back({.at = match.at,
                                .rule = static_cast<std::uint32_t>(match.rule),
                                .stage = static_cast<std::uint8_t>(match.stage),
                                .from = match.from,
                                .to = match.to,
                                .attempt = match.attempt});
    }
    memories.push_back(std::move(memory));
  }
  if (memories.empty()) return {};
  const Result<void> written = spool_.put_run_memories(memories);
  if (written) return written;
  for (const auto& [key, state] : all) {  // once more, the next time
    const std::lock_guard lock(state->mutex);
    state->is_changed = true;
  }
  return written;
}

std::optional<ActiveRun> RunBook::find(const AccountId& account, std::string_view name) {
  auto record = spool_.find_run(account, name);
  if (!record || !*record) return std::nullopt;
  ActiveRun run;
  run.record_ = std::move(**record);
  const std::lock_guard lock(mutex_);
  std::shared_ptr<ActiveRun::State>& state = states_[Key(account, std::string(name))];
  if (!state || state->created != run.record_.created || state->text != run.record_.script) {
    state = make_state(run.record_);
  }
  run.state_ = state;
  if (states_.size() > kMaxBookedRuns) {
    states_.erase(std::ranges::min_element(states_, {}, [](const auto& entry) { return entry.second->created; }));
  }
  return run;
}

std::optional<ActiveRun> RunBook::find(const store::MessageRecord& message) {
  const std::string_view run = store::run_of(message);
  return run.empty() ? std::nullopt : find(message.account, run);
}

std::uint32_t RunBook::ordinal_of(const store::MessageRecord& message) {
  if (message.origin != store::MessageOrigin::Submission) return 0;
  const auto run = find(message);
  if (!run) return 0;
  const std::lock_guard lock(run->state_->mutex);
  std::map<MessageId, std::uint32_t>& ordinals = run->state_->ordinals;
  if (!ordinals.contains(message.id)) number_new(run->record_, ordinals);
  const auto found = ordinals.find(message.id);
  return found == ordinals.end() ? 0 : found->second;
}

// By their first events: ids of one instant are in any order, which no other run would have.
void RunBook::number_new(const store::RunRecord& run, std::map<MessageId, std::uint32_t>& ordinals) const {
  constexpr std::size_t kAtOnce = 500;
  std::vector<std::pair<std::uint64_t, MessageId>> fresh;
  std::optional<MessageId> after;
  for (bool has_more = true; has_more;) {
    const auto part = spool_.list_run_after(run.account, run.name, after, kAtOnce);
    if (!part) return;
    has_more = part->size() == kAtOnce;
    for (const store::StoredMessage& stored : *part) {
      after = stored.message.id;
      if (stored.message.origin != store::MessageOrigin::Submission || ordinals.contains(*after)) continue;
      const auto events = spool_.events_of_after(*after, 0, 1);
      if (events && !events->empty()) fresh.emplace_back(events->front().sequence, *after);
    }
  }
  std::ranges::sort(fresh);
  for (const auto& [sequence, id] : fresh) ordinals.emplace(id, static_cast<std::uint32_t>(ordinals.size() + 1));
}

}  // namespace postern::relay
