#include "events/run_webhooks.h"

#include "core/log.h"

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <exception>
#include <future>
#include <optional>

namespace postern::events {

using relay::RunTelling;

namespace {

constexpr std::size_t kEventsOfMessage = 10'000;
constexpr std::size_t kMessagesAtOnce = 500;

std::optional<Instant> earlier(const std::optional<Instant>& a, const std::optional<Instant>& b) {
  return a && b ? std::min(*a, *b) : a ? a : b;
}

}  // namespace

// One webhook in one run.
struct RunWebhooks::Line {
  store::WebhookRecord webhook;
  WebhookBacklog backlog;
  bool is_over = false;
};

// One run. One thread at a time: whoever calls sees to it.
struct RunWebhooks::Course {
  explicit Course(const store::RunRecord& run) : created(run.created), read_up_to(run.told_up_to), chance(run.seed) {}

  Instant created;  // of the record it belongs to: a run that is made again begins anew
  std::map<WebhookId, Line> lines;
  std::uint64_t read_up_to;         // every event of the run up to here is in the lines, or was
  std::set<std::uint64_t> seen;     // and these beyond
  SeededRandom chance;
};

bool RunWebhooks::listens_to(const AccountId& account) {
  const auto webhooks = parts_.store.directory().list_webhooks(account);
  return webhooks && std::ranges::any_of(*webhooks, [](const store::WebhookRecord& webhook) {
    return webhook.state == store::WebhookState::Enabled && webhook.mail != store::WebhookMail::Live;
  });
}

Result<std::shared_ptr<RunWebhooks::Course>> RunWebhooks::course_of(const store::RunRecord& run) {
  std::shared_ptr<Course> course;
  {
    const std::lock_guard lock(mutex_);
    std::shared_ptr<Course>& known = courses_[Key(run.account, run.name)];
    if (!known || known->created != run.created) known = std::make_shared<Course>(run);
    course = known;
    if (courses_.size() > kMaxCourses) {
      courses_.erase(std::ranges::min_element(courses_, {}, [](const auto& entry) { return entry.second->created; }));
    }
  }
  if (const auto followed = follow_webhooks(*course, run); !followed) return followed.error();
  return course;
}

// Which webhooks there are now, and what earlier processes left for them.
Result<void> RunWebhooks::follow_webhooks(Course& course, const store::RunRecord& run) {
  const auto webhooks = parts_.store.directory().list_webhooks(run.account);
  if (!webhooks) return webhooks.error();
  std::set<WebhookId> enabled;
  for (const store::WebhookRecord& webhook : *webhooks) {
    if (webhook.state != store::WebhookState::Enabled || webhook.mail == store::WebhookMail::Live) continue;
    enabled.insert(webhook.id);
    const auto known = course.lines.find(webhook.id);
    if (known != course.lines.end()) {
      if (known->second.webhook.url != webhook.url) known->second.backlog.unprove();
      known->second.webhook = webhook;
      continue;
    }
    const auto progress = parts_.store.directory().webhook_progress(webhook.id);
    const auto rows = parts_.store.directory().list_pending_events(webhook.id, 0, kMaxRetriedEvents);
    if (!progress || !rows) return progress ? rows.error() : progress.error();
    std::vector<store::PendingWebhookEvent> own;
    for (const store::PendingWebhookEvent& row : *rows) {
      if (!row.has_own_clock) continue;
      const auto stored = parts_.store.spool().find(row.message);
      if (stored && *stored && store::run_of((*stored)->message) == run.name) own.push_back(row);
    }
    store::WebhookProgress fresh;
    fresh.cursor = course.read_up_to;
    fresh.is_proven = progress->is_proven;
    course.lines.emplace(webhook.id, Line{webhook, WebhookBacklog(fresh, webhook.first_sequence, own)});
  }
  std::erase_if(course.lines, [&](const auto& line) { return !enabled.contains(line.first); });
  return {};
}

// An event may be committed behind one that was read before: the whole run is read up to what was committed when that began, and
// what lies beyond is kept in mind.
Result<void> RunWebhooks::read_events(Course& course, const store::RunRecord& run, const std::vector<MessageId>& messages) {
  const store::Spool& spool = parts_.store.spool();
  const auto last = spool.last_sequence();
  if (!last) return last.error();
  std::vector<Event> events;
  const auto add = [&](const MessageId& id) -> Result<void> {
    auto part = spool.events_of_after(id, course.read_up_to, kEventsOfMessage);
    if (!part) return part.error();
    for (Event& event : *part) {
      if (course.seen.insert(event.sequence).second) events.push_back(std::move(event));
    }
    return {};
  };
  for (const MessageId& id : messages) {
    if (const auto added = add(id); !added) return added;
  }
  std::optional<MessageId> after;
  for (bool has_more = messages.empty(); has_more;) {
    const auto part = spool.list_run_after(run.account, run.name, after, kMessagesAtOnce);
    if (!part) return part.error();
    has_more = part->size() == kMessagesAtOnce;
    for (const store::StoredMessage& stored : *part) {
      after = stored.message.id;
      if (const auto added = add(stored.message.id); !added) return added;
    }
  }
  std::ranges::sort(events, {}, &Event::sequence);
  for (auto& [id, line] : course.lines) {
    for (const Event& event : events) {
      if (event.sequence >= line.webhook.first_sequence && wants(line.webhook, event)) {
        line.backlog.add(event.sequence, event.message, event.at);
      }
    }
  }
  if (!messages.empty()) return {};
  course.read_up_to = *last;
  course.seen.erase(course.seen.begin(), course.seen.upper_bound(*last));
  for (auto& [id, line] : course.lines) line.backlog.set_read_up_to(*last);
  return {};
}

bool RunWebhooks::is_stopping() {
  const std::lock_guard lock(mutex_);
  return is_stopping_;
}

// On the executor, and waited for; a request has its own deadline, and cancel() ends it.
WebhookAnswer RunWebhooks::post(WebhookRequest request) {
  std::promise<WebhookAnswer> promise;
  auto done = [&promise](std::exception_ptr failed, WebhookAnswer answer) {
    if (failed) answer = WebhookAnswer{.failure = "the request failed"};
    promise.set_value(std::move(answer));
  };
  net::asio::co_spawn(parts_.executor, parts_.client.post(std::move(request)), std::move(done));
  return promise.get_future().get();
}

// False: the server stops.
bool RunWebhooks::offer(Course& course, Line& line, std::uint64_t sequence, Instant now, std::vector<RunTelling>& told) {
  const auto found = find_event_for(parts_.store.spool(), line.webhook, sequence, line.backlog.is_requested(sequence));
  if (found && !found->event) {
    found->is_unwanted ? line.backlog.unwanted(sequence) : line.backlog.lost(sequence);
    return true;
  }
  WebhookAnswer answer{.failure = found ? std::string() : found.error().message()};
  RunTelling telling{.at = now, .webhook = line.webhook.id, .event = {}, .failure = {}};
  telling.attempt = line.backlog.attempts_of(sequence) + 1;
  if (found) {
    telling.event = *found->event;
    const Instant began = parts_.clock.now();
    answer = post(make_webhook_request({parts_.event_ids, parts_.links}, line.webhook, *found, std::nullopt, began));
    const Instant ended = parts_.clock.now();
    if (parts_.attempts != nullptr && !answer.is_interrupted) {
      parts_.attempts->add(line.webhook.id, {.at = ended,
                                             .sequence = sequence,
                                             .url = line.webhook.url,
                                             .status = answer.status,
                                             .failure = answer.failure,
                                             .took = std::chrono::duration_cast<std::chrono::milliseconds>(ended - began)});
    }
  }
  if (answer.is_interrupted) {
    line.backlog.interrupted(sequence);
    return false;
  }
  if (answer.is_success()) {
    line.backlog.delivered(sequence, now);
  } else {
    line.backlog.failed(sequence, now, course.chance);
    line.is_over = answer.is_gone() || line.backlog.is_dead(now);
  }
  telling.status = answer.status;
  telling.failure = std::move(answer.failure);
  telling.is_last = line.is_over;
  told.push_back(std::move(telling));
  return true;
}

Result<std::optional<Instant>> RunWebhooks::tell(const store::RunRecord& run, const std::vector<MessageId>& messages, Instant now,
                                                 std::chrono::steady_clock::time_point until, std::vector<RunTelling>& told) {
  const auto found = course_of(run);
  if (!found) return found.error();
  Course& course = **found;
  if (const auto read = read_events(course, run, messages); !read) return read.error();
  bool goes_on = true;
  for (auto& [id, line] : course.lines) {
    while (goes_on && !line.is_over) {
      const bool is_late = std::chrono::steady_clock::now() >= until || is_stopping();
      const auto sequence = is_late ? std::nullopt : line.backlog.take(now);
      if (!sequence) break;
      goes_on = offer(course, line, *sequence, now, told);
    }
  }
  std::optional<Instant> next;
  for (const auto& [id, line] : course.lines) {
    if (!line.is_over) next = earlier(next, line.backlog.next_due());
  }
  // At the end of the time something may be due that was due before.
  return next ? std::optional(std::max(*next, now)) : next;
}

Result<std::optional<Instant>> RunWebhooks::next_due(const store::RunRecord& run) {
  const auto course = course_of(run);
  if (!course) return course.error();
  std::optional<Instant> next;
  for (const auto& [id, line] : (*course)->lines) {
    if (!line.is_over) next = earlier(next, line.backlog.next_due());
  }
  return next;
}

Result<void> RunWebhooks::remember(const store::RunRecord& run) {
  const auto found = course_of(run);
  if (!found) return found.error();
  Course& course = **found;
  // What came to other messages of the run meanwhile: it is offered at the next telling, and known until then.
  if (const auto read = read_events(course, run, {}); !read) return read;
  std::uint64_t told_up_to = course.read_up_to;
  std::vector<std::pair<WebhookId, WebhookBacklog::Changes>> all;
  for (auto& [id, line] : course.lines) {
    auto changes = line.backlog.take_unsaved();
    if (!line.is_over) told_up_to = std::min(told_up_to, changes.progress.cursor);
    for (store::PendingWebhookEvent& event : changes.put) event.has_own_clock = true;
    if (!changes.put.empty() || !changes.removed.empty()) all.emplace_back(id, std::move(changes));
  }
  const auto write = [&](store::DirectoryWriter& writer) -> Result<void> {
    for (const auto& [id, changes] : all) {
      const auto current = writer.find_webhook(id);
      if (!current) return current.error();
      if (!*current) continue;
      for (const auto& event : changes.put) {
        if (auto put = writer.put_pending_event(id, event); !put) return put;
      }
      for (const std::uint64_t sequence : changes.removed) {
        auto removed = writer.remove_pending_event(id, sequence);
        if (!removed && removed.error().code() != ErrorCode::NotFound) return removed;
      }
    }
    return {};
  };
  const Result<void> written = all.empty() ? Result<void>() : parts_.store.directory().write(write);
  for (auto& [id, line] : course.lines) written ? line.backlog.saved() : line.backlog.not_saved();
  if (!written) return written;
  if (told_up_to <= run.told_up_to) return {};
  return parts_.store.spool().set_run_told(run.account, run.name, told_up_to);
}

void RunWebhooks::start(Tell tell) {
  tell_ = std::move(tell);
  for (std::thread& thread : threads_) thread = std::thread([this] { work(); });
}

void RunWebhooks::notice(const store::MessageRecord& message) {
  const std::lock_guard lock(mutex_);
  Key key(message.account, std::string(store::run_of(message)));
  if (waiting_.size() >= kMaxNoticed || !noticed_.insert(key).second) return;
  waiting_.push_back(std::move(key));
  woken_.notify_one();
}

void RunWebhooks::close() {
  const std::lock_guard lock(mutex_);
  is_stopping_ = true;
  woken_.notify_all();
}

void RunWebhooks::stop() {
  close();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void RunWebhooks::work() {
  std::unique_lock lock(mutex_);
  const auto is_free = [this](const Key& key) { return !busy_.contains(key.first); };
  while (!is_stopping_) {
    const auto next = std::ranges::find_if(waiting_, is_free);
    if (next == waiting_.end()) {
      woken_.wait(lock);
      continue;
    }
    const Key key = *next;
    waiting_.erase(next);
    noticed_.erase(key);
    busy_.insert(key.first);
    lock.unlock();
    tell_(key.first, key.second);
    lock.lock();
    busy_.erase(key.first);
    woken_.notify_one();
  }
}

}  // namespace postern::events
