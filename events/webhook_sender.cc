#include "events/webhook_sender.h"

#include "core/due.h"
#include "core/log.h"
#include "core/metrics.h"
#include "events/webhook_letter.h"
#include "net/await_completion.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <exception>
#include <utility>

namespace postern::events {
namespace {

namespace asio = net::asio;

enum class RequestOutcome { Delivered, Failed, Interrupted };
metrics::Counter webhook_requests("postern_webhook_requests_total", "Requests to webhooks that ended, by what became of them.",
                                  {{"outcome", {"delivered", "failed", "interrupted"}}});

RequestOutcome outcome_of(const WebhookAnswer& answer) {
  if (answer.is_interrupted) return RequestOutcome::Interrupted;
  return answer.is_success() ? RequestOutcome::Delivered : RequestOutcome::Failed;
}

constexpr Duration kSaveEvery = std::chrono::seconds(1);  // a crash repeats what was delivered since
constexpr Duration kLookEvery = std::chrono::seconds(2);  // how soon a replay by another process is seen
constexpr std::size_t kReadAtOnce = 128;                  // events of the log between two turns of the others
constexpr std::size_t kMaxPacedAccounts = 65'536;         // remembered: who is forgotten may send a second's worth anew

// nullopt: it is gone, or cannot be read.
std::optional<ReceivedContent> read_stored(const store::Spool& spool, const MessageId& id, std::uint32_t chunks,
                                           store::ReceivedForm form) {
  std::string raw;
  for (std::uint32_t i = 0; i < chunks; ++i) {
    const auto chunk = spool.read_chunk(id, i);
    if (!chunk) return std::nullopt;
    raw += *chunk;
  }
  ReceivedContent content = read_received(raw);
  if (form == store::ReceivedForm::Postmark) read_attached(raw, content);
  return content;
}

}  // namespace

bool WebhookSlots::has_room(const AccountId& account) const {
  const auto found = by_account_.find(account);
  return count_ < kMaxWebhookRequestsInAll && (found == by_account_.end() || found->second < kMaxWebhookRequestsPerAccount);
}

bool WebhookSlots::take(const AccountId& account, WebhookSender& sender) {
  if (!has_room(account)) {
    waiting_.insert(&sender);
    return false;
  }
  ++by_account_[account];
  ++count_;
  return true;
}

void WebhookSlots::give_back(const AccountId& account) {
  --count_;
  const auto found = by_account_.find(account);
  if (--found->second == 0) by_account_.erase(found);
  const std::set<WebhookSender*> waiting = std::exchange(waiting_, {});
  for (WebhookSender* sender : waiting) sender->poke();
}

std::optional<Duration> WebhookSlots::charge(const AccountId& account, std::size_t octets, Instant now) {
  const auto [bucket, is_new] = octets_.touch(account);
  if (is_new) {
    bucket = TokenBucket::full(kWebhookOctetsPerSecond, now);
    octets_.shrink_to(kMaxPacedAccounts);
  }
  return bucket.take(kWebhookOctetsPerSecond, static_cast<double>(octets), now);
}

WebhookSender::WebhookSender(const WebhookDispatcherParts& parts, std::shared_ptr<WebhookSlots> slots,
                             store::WebhookRecord webhook)
    : parts_(parts), slots_(std::move(slots)), webhook_(std::move(webhook)), timer_(parts.executor) {}

void WebhookSender::storage_failed(std::string_view what, const Error& error) {
  if (!is_storage_bad_) {
    log::write(log::Level::Error, "webhook_storage_failed",
               {{"webhook", format_id(webhook_.id)}, {"what", what}, {"error", error.message()}});
  }
  is_storage_bad_ = true;
}

bool WebhookSender::load() {
  const auto progress = parts_.store.directory().webhook_progress(webhook_.id);
  const auto pending = parts_.store.directory().list_pending_events(webhook_.id, 0, kMaxRetriedEvents);
  if (!progress || !pending) {
    storage_failed("read", progress ? pending.error() : progress.error());
    return false;
  }
  backlog_.emplace(*progress, webhook_.first_sequence, take_own(*pending));
  is_storage_bad_ = false;
  return true;
}

void WebhookSender::merge_rows() {
  const Instant now = parts_.clock.now();
  if (!is_due(next_look_, kLookEvery, now) && !is_poked_) return;
  next_look_ = now + kLookEvery;
  const auto pending = parts_.store.directory().list_pending_events(webhook_.id, 0, kMaxRetriedEvents);
  if (!pending) return storage_failed("read", pending.error());
  for (const store::PendingWebhookEvent& event : take_own(*pending)) backlog_->add_stored(event);
}

// Those that go by the clock of a run are events/run_webhooks', as long as there is the run.
std::vector<store::PendingWebhookEvent> WebhookSender::take_own(const std::vector<store::PendingWebhookEvent>& rows) {
  std::vector<store::PendingWebhookEvent> own;
  std::vector<std::uint64_t> left;
  for (const store::PendingWebhookEvent& row : rows) {
    const auto stored = row.has_own_clock ? parts_.store.spool().find(row.message) : Result<std::optional<store::StoredMessage>>();
    if (!row.has_own_clock) own.push_back(row);
    if (row.has_own_clock && stored && !*stored) left.push_back(row.sequence);
  }
  if (left.empty()) return own;
  auto remove = [id = webhook_.id, left](store::DirectoryWriter& writer) -> Result<void> {
    for (const std::uint64_t sequence : left) {
      if (auto removed = writer.remove_pending_event(id, sequence); !removed) return removed;
    }
    return {};
  };
  parts_.store.directory().write_later(std::move(remove), [](const Result<void>&) {});  // the next look finds what is left
  return own;
}

bool WebhookSender::read_log() {
  if (!backlog_->has_room()) return false;
  const auto events = parts_.store.spool().events_of_account_after(webhook_.account, backlog_->read_up_to(), kReadAtOnce);
  if (!events) {
    storage_failed("read", events.error());
    return false;
  }
  for (const Event& event : *events) {
    if (wants(webhook_, event) && !is_of_clock(event)) backlog_->add(event.sequence, event.message, event.at);
  }
  if (!events->empty()) backlog_->set_read_up_to(events->back().sequence);
  return events->size() == kReadAtOnce && backlog_->has_room();
}

bool WebhookSender::is_of_clock(const Event& event) {
  if (event.environment != Environment::Test || parts_.on_clock_event == nullptr) return false;
  const auto stored = parts_.store.spool().find(event.message);
  if (!stored || !*stored || !(*stored)->message.has_own_clock) return false;
  parts_.on_clock_event((*stored)->message);
  return true;
}

void WebhookSender::start_requests() {
  const Instant start = parts_.clock.now();
  const auto wait = slots_->wait_of(webhook_.account, start);
  paced_until_ = wait ? std::optional(start + *wait) : std::nullopt;
  if (wait) return;
  while (slots_->take(webhook_.account, *this)) {
    const auto sequence = backlog_->take(parts_.clock.now());
    if (!sequence) {
      slots_->give_back(webhook_.account);
      return;
    }
    asio::co_spawn(parts_.executor, send(shared_from_this(), *sequence), net::rethrow);
  }
}

// A reader that is overrun, or a content that is gone, takes nothing from the rest.
net::Awaitable<std::optional<ReceivedContent>> WebhookSender::read_content(const FoundEvent& found) {
  if (parts_.readers == nullptr || !found.stored || found.event->type != EventType::MessageReceived) co_return std::nullopt;
  const store::Spool* const spool = &parts_.store.spool();
  const MessageId id = found.event->message;
  const std::uint32_t chunks = found.stored->message.chunk_count;
  const store::ReceivedForm form = webhook_.received_form;
  auto read = co_await parts_.readers->run([spool, id, chunks, form] { return read_stored(*spool, id, chunks, form); });
  co_return read ? std::move(*read) : std::nullopt;
}

net::Awaitable<void> WebhookSender::send(std::shared_ptr<WebhookSender> self, std::uint64_t sequence) {
  const WebhookDispatcherParts& parts = self->parts_;
  const bool is_requested = self->backlog_->is_requested(sequence);
  const Result<FoundEvent> found = find_event_for(parts.store.spool(), self->webhook_, sequence, is_requested);
  if (!found) {
    self->ended(sequence, WebhookAnswer{.failure = found.error().message()});
  } else if (found->event) {
    const std::optional<ReceivedContent> content = co_await self->read_content(*found);
    const Instant began = parts.clock.now();
    WebhookRequest request = make_webhook_request({parts.event_ids, parts.links}, self->webhook_, *found, content, began);
    self->slots_->charge(self->webhook_.account, request.body.size(), began);
    WebhookAttempt kept{.at = began, .sequence = sequence, .url = request.url, .sent = request.body.substr(0, kMaxKeptWebhookBody)};
    const WebhookAnswer answer = co_await parts.client.post(std::move(request));
    self->remember(std::move(kept), answer);
    self->ended(sequence, answer);
  } else if (found->is_unwanted) {
    self->backlog_->unwanted(sequence);
  } else {
    self->backlog_->lost(sequence);
  }
  self->slots_->give_back(self->webhook_.account);
  self->poke();
}

// `attempt`: as it began.
void WebhookSender::remember(WebhookAttempt attempt, const WebhookAnswer& answer) {
  if (parts_.attempts == nullptr || answer.is_interrupted) return;
  const Instant now = parts_.clock.now();
  attempt.took = std::chrono::duration_cast<std::chrono::milliseconds>(now - std::exchange(attempt.at, now));
  attempt.status = answer.status;
  attempt.failure = answer.failure;
  attempt.answered = answer.body;
  attempt.answer_type = answer.body_type;
  parts_.attempts->add(webhook_.id, std::move(attempt));
}

void WebhookSender::ended(std::uint64_t sequence, const WebhookAnswer& answer) {
  webhook_requests.at(outcome_of(answer)).add();
  if (answer.is_interrupted) return backlog_->interrupted(sequence);
  const Instant now = parts_.clock.now();
  if (answer.is_success()) return backlog_->delivered(sequence, now);
  log::write(log::Level::Info, "webhook_attempt_failed",
             {{"webhook", format_id(webhook_.id)}, {"event", sequence}, {"status", std::uint64_t{answer.status}},
              {"failure", answer.failure}});
  backlog_->failed(sequence, now, parts_.random);
  is_gone_ = is_gone_ || answer.is_gone();
}

net::Awaitable<void> WebhookSender::save() {
  next_save_ = parts_.clock.now() + kSaveEvery;
  const WebhookBacklog::Changes changes = backlog_->take_unsaved();
  const WebhookId id = webhook_.id;
  const std::uint64_t first = webhook_.first_sequence;
  auto change = [id, first, changes](store::DirectoryWriter& writer) -> Result<void> {
    const auto current = writer.find_webhook(id);
    if (!current) return current.error();
    // Removed, or to begin anew from another event: what is known here is of no use any more.
    if (!*current || (*current)->first_sequence != first) return {};
    if (auto put = writer.put_webhook_progress(id, changes.progress); !put) return put;
    for (const auto& event : changes.put) {
      if (auto put = writer.put_pending_event(id, event); !put) return put;
    }
    for (const std::uint64_t sequence : changes.removed) {
      if (auto removed = writer.remove_pending_event(id, sequence); !removed) return removed;
    }
    return {};
  };
  store::Directory* directory = &parts_.store.directory();
  auto start = [directory, change](Completion done) { directory->write_later(change, std::move(done)); };
  const Result<void> written = co_await net::await_completion(start);
  if (written) {
    backlog_->saved();
    is_storage_bad_ = false;
  } else {
    backlog_->not_saved();
    storage_failed("save", written.error());
  }
}

net::Awaitable<void> WebhookSender::disable() {
  log::write(log::Level::Warning, "webhook_disabled", {{"webhook", format_id(webhook_.id)}, {"gone", is_gone_}});
  auto change = [id = webhook_.id](store::DirectoryWriter& writer) -> Result<void> {
    auto current = writer.find_webhook(id);
    if (!current) return current.error();
    if (!*current) return {};
    (*current)->state = store::WebhookState::Failed;
    return writer.put_webhook(**current);
  };
  store::Directory* directory = &parts_.store.directory();
  auto start = [directory, change](Completion done) { directory->write_later(change, std::move(done)); };
  const Result<void> written = co_await net::await_completion(start);
  // Left enabled, it goes on as before and gets here again.
  if (!written) co_return storage_failed("disable", written.error());
  is_stopping_ = true;
  Event event;
  event.at = parts_.clock.now();
  event.type = EventType::WebhookDisabled;
  event.account = webhook_.account;
  event.environment = webhook_.mail == store::WebhookMail::Test ? Environment::Test : Environment::Live;
  event.detail = format_id(webhook_.id);
  store::Spool* spool = &parts_.store.spool();
  auto record = [spool, event](Completion done) { spool->record_event(event, std::move(done)); };
  const Result<void> recorded = co_await net::await_completion(record);
  if (!recorded) storage_failed("record_event", recorded.error());
  parts_.event_hub.notify();
}

net::Awaitable<void> WebhookSender::rest() {
  if (is_poked_) co_return;
  const Instant now = parts_.clock.now();
  Instant until = now + kLookEvery;
  if (backlog_ && !is_stopping_) {
    until = std::min(until, next_look_);
    if (paced_until_) until = std::min(until, *paced_until_);
    if (const auto due = backlog_->next_due(); due && *due > now) until = std::min(until, *due);
    if (backlog_->has_unsaved()) until = std::min(until, next_save_);
  }
  timer_.expires_after(std::max(until - now, Duration{0}));
  co_await timer_.async_wait(asio::as_tuple(net::kAwait));
}

net::Awaitable<void> WebhookSender::run() {
  while (!is_stopping_ && !backlog_) {
    if (!load()) co_await rest();
  }
  while (!is_stopping_) {
    merge_rows();
    is_poked_ = false;
    const bool has_more = read_log();
    start_requests();
    if (backlog_->has_unsaved() && is_due(next_save_, kSaveEvery, parts_.clock.now())) co_await save();
    const bool is_dead = is_gone_ || backlog_->is_dead(parts_.clock.now());
    if (is_dead) co_await disable();
    if (has_more) {
      co_await asio::post(parts_.executor, net::kAwait);
    } else if (!is_stopping_) {
      co_await rest();
    }
  }
  while (backlog_ && backlog_->under_way() > 0) {
    is_poked_ = false;
    co_await rest();
  }
  if (backlog_ && backlog_->has_unsaved()) co_await save();
  has_ended_ = true;
}

void WebhookSender::poke() {
  is_poked_ = true;
  timer_.cancel();
}

bool WebhookSender::update(store::WebhookRecord webhook) {
  const bool begins_anew = webhook.first_sequence != webhook_.first_sequence;
  if (begins_anew) {
    stop();
  } else if (webhook != webhook_) {
    if (webhook.url != webhook_.url && backlog_) backlog_->unprove();
    webhook_ = std::move(webhook);
    poke();
  }
  return begins_anew;
}

void WebhookSender::stop() {
  is_stopping_ = true;
  poke();
}

}  // namespace postern::events
