#include "relay/run_book.h"

#include "core/bytes.h"
#include "core/mailbox.h"

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
};

std::string script_address(const std::optional<Mailbox>& mailbox) {
  return mailbox ? to_ascii_lower(normalised_mailbox(*mailbox)) : std::string();
}

const sandbox::Script& ActiveRun::script() const { return state_->script; }

const sandbox::ScriptRule* ActiveRun::decide(const sandbox::ScriptQuestion& question) const {
  if (state_->script.rules.empty()) return nullptr;
  const std::lock_guard lock(state_->mutex);
  const auto rule = state_->asked.decide(state_->script, question, record_.seed);
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
  return ++state_->messages;
}

std::optional<ActiveRun> RunBook::find(const AccountId& account, std::string_view name) {
  auto record = spool_.find_run(account, name);
  if (!record || !*record) return std::nullopt;
  ActiveRun run;
  run.record_ = std::move(**record);
  const std::lock_guard lock(mutex_);
  std::shared_ptr<ActiveRun::State>& state = states_[Key(account, std::string(name))];
  if (!state || state->created != run.record_.created || state->text != run.record_.script) {
    state = std::make_shared<ActiveRun::State>();
    state->created = run.record_.created;
    state->text = run.record_.script;
    if (auto script = state->text.empty() ? sandbox::Script() : compile_(state->text); script) state->script = std::move(*script);
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

std::uint32_t RunBook::ordinal_of(const store::MessageRecord& message) const {
  constexpr std::size_t kAtOnce = 500;
  if (message.origin != store::MessageOrigin::Submission) return 0;
  std::uint32_t ordinal = 0;
  std::optional<MessageId> after;
  for (;;) {
    const auto part = spool_.list_run_after(message.account, store::run_of(message), after, kAtOnce);
    if (!part || part->empty()) return 0;
    for (const store::StoredMessage& stored : *part) {
      after = stored.message.id;
      if (stored.message.origin == store::MessageOrigin::Submission) ++ordinal;
      if (stored.message.id == message.id) return ordinal;
    }
  }
}

}  // namespace postern::relay
