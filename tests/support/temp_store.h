// A store in a temporary folder that goes with it, and the shortest way to fill it.
#pragma once

#include "core/check.h"
#include "core/mailbox.h"
#include "store/store.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_random.h"

#include <stdlib.h>

#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <utility>

namespace postern::test {

class TempFolder {
 public:
  TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "postern-test-XXXXXX").string();
    POSTERN_CHECK(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Free space is not asked for unless a test does: the machine's disk may be nearly full.
inline store::SpoolLimits small_limits() {
  store::SpoolLimits limits;
  limits.min_free_octets = 0;
  return limits;
}

class TempStore {
 public:
  explicit TempStore(const store::SpoolLimits& limits = small_limits(), bool runs_recovery = true)
      : limits_(limits), runs_recovery_(runs_recovery) {
    open();
  }

  store::Store& operator*() { return *store_; }
  store::Store* operator->() { return store_.get(); }
  store::Spool& spool() { return store_->spool(); }
  store::Directory& directory() { return store_->directory(); }
  std::filesystem::path folder() const { return folder_.path() / "store"; }

  void close() { store_.reset(); }
  void open() { store_ = store::Store::open({.folder = folder(), .spool = limits_, .runs_recovery = runs_recovery_}).value(); }
  void reopen() {
    close();
    open();
  }

 private:
  TempFolder folder_;
  store::SpoolLimits limits_;
  bool runs_recovery_;
  std::unique_ptr<store::Store> store_;
};

// Waits for one completion.
class Waiter {
 public:
  Completion completion() {
    return [promise = promise_](Result<void> outcome) { promise->set_value(std::move(outcome)); };
  }
  Result<void> get() { return promise_->get_future().get(); }

 private:
  // Shared: the completion is copyable and may outlive this object.
  std::shared_ptr<std::promise<Result<void>>> promise_ = std::make_shared<std::promise<Result<void>>>();
};

struct Draft {
  store::MessageRecord message;
  store::DeliveryRecord delivery;
  std::vector<Event> events;

  store::NewMessage new_message() const { return {.record = message, .delivery = delivery, .events = events, .claim = {}}; }
};

// A message from one sender to `recipients`, all pending and due at `at`, with its accepted event.
inline Draft make_draft(const MessageId& id, Instant at, const std::vector<std::string>& recipients,
                        Environment environment = Environment::Live) {
  Draft draft;
  draft.message.id = id;
  draft.message.environment = environment;
  draft.message.accepted_at = at;
  draft.message.envelope.reverse_path = Mailbox{.local_part = "sender", .domain = "sender.example"};
  for (const std::string& recipient : recipients) {
    draft.message.envelope.recipients.push_back(
        Recipient{.mailbox = Mailbox{.local_part = "to", .domain = recipient}, .notify = {}, .orcpt = {}});
    store::RecipientState& state = draft.delivery.recipients.emplace_back();
    state.next_attempt = at;
  }
  draft.delivery.due = at;
  draft.delivery.lane = store::lane_of_pending(draft.message, draft.delivery);
  Event& event = draft.events.emplace_back();
  event.at = at;
  event.message = id;
  event.environment = environment;
  return draft;
}

// Commits it with `content` and waits for the sync.
inline Result<void> commit_draft(store::Spool& spool, const Draft& draft, const std::string& content) {
  std::unique_ptr<store::MessageWriter> writer = spool.open_message(draft.message.id);
  writer->append(content);
  Waiter waiter;
  spool.commit(std::move(writer), draft.new_message(), waiter.completion());
  return waiter.get();
}

// The whole content as it is stored.
inline std::string read_content(const store::Spool& spool, const store::MessageRecord& message) {
  std::string content;
  for (std::uint32_t i = 0; i < message.chunk_count; ++i) content += spool.read_chunk(message.id, i).value();
  return content;
}

}  // namespace postern::test
