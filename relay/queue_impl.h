// Inside of Queue. Three files define the members:
//   queue.cc           the loop, waking, stopping
//   queue_reading.cc   due index → leases
//   queue_delivery.cc  leases → deliveries → settlements
//   queue_holding.cc   what may not go now: suspended accounts, paused destinations; and what nobody holds any more
#pragma once

#include "relay/queue.h"

#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

namespace postern::relay {

struct MessageIdHash {
  // The last octets are random.
  std::size_t operator()(const MessageId& id) const {
    std::size_t hash = 0;
    for (std::size_t i = 8; i < id.octets.size(); ++i) hash = hash << 8 | id.octets[i];
    return hash;
  }
};

class Queue::Impl : public std::enable_shared_from_this<Queue::Impl> {
 public:
  Impl(QueueParts parts, QueueSettings settings, std::shared_ptr<const RouteTable> routes);

  // --- queue.cc ---
  net::Awaitable<void> run();
  void accepted(const store::DueEntry& entry);
  void wake();
  void use_routes(std::shared_ptr<const RouteTable> routes);
  void stop();
  void cancel();
  const net::Executor& executor() const { return parts_.executor; }

 private:
  // A settlement on its way to the disk.
  struct Unsynced {
    Job job;
    std::shared_ptr<Destination> destination;  // null: the job was held by none
    store::Settlement settlement;
  };

  // A destination's pause as the store has it, or will have it.
  struct NotedPause {
    Instant since;
    bool is_written = false;
  };

  Instant now() const { return parts_.clock.now(); }
  store::Spool& spool() { return parts_.store.spool(); }

  // --- queue.cc ---
  void post_poke();
  void poke();
  void take_wakes();
  void notice_step_back(Instant at);
  bool is_over() const;
  net::Awaitable<void> rest();
  Duration time_to_rest();
  void finish();
  void release_all_waiting();
  void poll(Instant at);

  // --- queue_reading.cc ---
  // One slice of each kind of reading. True: there is more to read at once.
  bool read_slices();
  std::vector<store::DueEntry> take_accepted();
  bool read_front(Instant until);
  bool read_unread(Destination& destination, Instant until);
  bool review_stale(Instant at);
  void review(const store::DueEntry& entry, Instant at);
  bool redate_waiting(Instant at);
  // False: it could not be read.
  bool redate(const store::DueEntry& entry, Instant at);
  void lower_front(Instant to);
  void consider(const store::DueEntry& entry, Instant at);
  void pass_over(Destination& destination, const store::DueEntry& entry);
  void read_again_later(const store::DueEntry& entry);
  void lease(const store::DueEntry& entry, store::StoredMessage stored, Instant at);
  bool is_closed(const Destination& destination, const store::DueEntry& entry, Instant at) const;
  bool has_room_to_settle() const;
  // Said once a minute for each operation.
  void storage_failed(std::string_view operation, const Error& error, const std::optional<MessageId>& id);

  // --- queue_holding.cc ---
  // As of the last poll; nullopt: it could not be read.
  std::optional<bool> is_suspended(const AccountId& account);
  // The entry's message waits until its account is resumed. `stored` says which of its recipients were not told so yet.
  void hold(const store::DueEntry& entry, store::StoredMessage stored, Instant at);
  // The same for a job that was leased already.
  void hold_job(Job job, std::shared_ptr<Destination> destination);
  void remember_held(const AccountId& account, const store::DueEntry& entry);
  void release_resumed();
  // Looks, a slice at a time, for what is due and in nobody's hands. True: there is more to read at once.
  bool sweep(Instant at);
  bool is_accounted_for(const store::DueEntry& entry) const;
  void note_pause(const std::shared_ptr<Destination>& destination, std::optional<Duration> retry_in);
  void probe_where_asked(Instant at);

  // --- queue_delivery.cc ---
  void start_deliveries(const std::shared_ptr<Destination>& destination);
  static net::Awaitable<void> work(std::shared_ptr<Impl> self, std::shared_ptr<Destination> destination, Job job);
  // False: it could not be read what became of it meanwhile.
  bool drop_cancelled(Job& job);
  // True: the job is over, or waits again.
  bool is_kept_back(const std::shared_ptr<Destination>& destination, Job& job);
  void split_off_surplus(Job& job, const std::shared_ptr<Destination>& destination);
  // A part of the message, beside the job that it was taken from.
  void enqueue_part(const Job& job, std::vector<std::uint32_t> recipients, const std::shared_ptr<Destination>& destination);
  std::vector<std::uint32_t> without_suppressed(const Job& job, std::vector<std::uint32_t>& suppressed);
  void suppress(const store::StoredMessage& stored, const Publication& publication);
  void delivered(const std::shared_ptr<Destination>& destination, Job job, std::vector<RecipientReport> reports,
                 const std::vector<std::uint32_t>& suppressed);
  void judge_contact(const std::shared_ptr<Destination>& destination, const Job& job,
                     const std::vector<RecipientReport>& reports);
  void went_down(const std::shared_ptr<Destination>& destination, const Status& status);
  void give_back(const std::shared_ptr<Destination>& destination, std::vector<Job> jobs);
  void put_off(Job job, const Destination& destination);
  void no_route(Job job);
  void settle(Job job, std::shared_ptr<Destination> destination, Publication publication);
  void write(std::shared_ptr<Unsynced> unsynced);
  void synced(std::shared_ptr<Unsynced> unsynced, const Result<void>& result);
  void refused(std::shared_ptr<Unsynced> unsynced, const Error& error);
  void close_group(const Job& job);

  QueueParts parts_;
  QueueSettings settings_;
  NoticeWriter notices_;
  net::asio::steady_timer timer_;
  std::unique_ptr<DestinationSet> destinations_;
  std::vector<std::weak_ptr<Destination>> retired_;  // of replaced routes, while deliveries run
  std::unordered_map<MessageId, std::shared_ptr<Lease>, MessageIdHash> leases_;

  std::optional<store::DueEntry> front_;  // everything due up to here was looked at
  Instant read_front_at_;                 // nothing beyond it is due before, but for what accepted_ names
  std::optional<store::DueEntry> reviewed_;
  std::optional<store::DueEntry> redated_;  // the clock was set back: what is due later than this may have to be due sooner
  Instant last_polled_;
  bool is_set_back_ = false;  // the clock, since the poll before the last one
  Instant next_poll_;
  Instant next_wide_poll_;
  Instant next_review_;
  std::vector<store::DueEntry> unread_;  // could not be read; tried again at each poll
  std::map<std::string, Instant, std::less<>> failures_said_;  // by operation

  std::map<AccountId, bool> suspended_;           // of the accounts met since the last poll
  std::map<AccountId, store::DueEntry> held_;     // the earliest held entry of each suspended account
  std::unordered_map<MessageId, AccountId, MessageIdHash> held_messages_;  // need not be read again; bounded
  std::optional<store::DueEntry> swept_;
  Instant next_sweep_;
  std::size_t stranded_ = 0;  // found by the sweep that goes on
  std::map<std::string, NotedPause> paused_since_;  // by name of the destination

  std::size_t running_ = 0;
  std::size_t unsynced_ = 0;
  std::size_t cut_off_ = 0;  // jobs whose connection we ended: due again, and may arrive twice
  std::vector<std::shared_ptr<Unsynced>> refused_;  // by a store that is full for the moment; written again at each poll
  bool is_stopping_ = false;
  bool is_cancelled_ = false;
  bool has_storage_failed_ = false;
  std::chrono::steady_clock::time_point cancelled_at_;

  std::mutex accepted_mutex_;
  std::vector<store::DueEntry> accepted_;
  bool is_poked_ = false;
  std::atomic<bool> is_woken_{false};
  std::atomic<bool> has_new_messages_{false};
};

}  // namespace postern::relay
