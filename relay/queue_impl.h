// Inside of Queue. Five files define the members:
//   queue.cc           the loop, waking, stopping
//   queue_reading.cc   due index → leases
//   queue_delivery.cc  leases → deliveries → settlements
//   queue_holding.cc   what may not go now: suspended accounts, paused destinations; and who holds
//   how much
//   queue_orders.cc    what operators want done with what waits
#pragma once

#include "relay/accepted_mail.h"
#include "relay/due_reader.h"
#include "relay/held_mail.h"
#include "relay/holdings.h"
#include "relay/index_walk.h"
#include "relay/lease_table.h"
#include "relay/queue.h"
#include "relay/turns.h"

#include <boost/asio/steady_timer.hpp>

#include <map>
#include <optional>
#include <vector>

namespace postern::relay {

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
  using DestinationPtr = std::shared_ptr<Destination>;

  // A job that may go now.
  struct Ready {
    Job job;
    DeliveryRequest request;                // no recipients: all are suppressed
    std::vector<std::uint32_t> suppressed;  // of the job's recipients
  };

  // A settlement on its way to the disk.
  struct Unsynced {
    Job job;
    DestinationPtr destination;  // null: the job was held by none
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
  Duration time_to_rest() const;
  void finish();
  void release_all_waiting();
  void poll(Instant at);

  // --- queue_reading.cc ---
  // Some slices. True: there is more to read at once.
  bool read_some();
  bool read_once(Instant at);
  void read_lane(const DueReader::ReadLane& read, Instant at);
  void list_lanes(const DueReader::ListLanes& list, Instant at);
  // A message that somebody named.
  void told(const store::DueEntry& entry, Instant at);
  void told_in_lane(const store::DueEntry& entry, Instant at);
  void read_later(const store::DueEntry& entry, Instant at);
  // False: the destination has no room for it, so that what follows waits as well.
  bool consider(const DestinationPtr& destination, HopId hop, const store::DueEntry& entry,
                Instant at);
  bool is_in_hands(HopId hop, const store::DueEntry& entry);
  // What could not be read is tried again at the next poll. False.
  bool put_aside(HopId hop, const store::DueEntry& entry, Instant at);
  bool redate_waiting(Instant at);
  // False: it could not be read.
  bool redate(const store::DueEntry& entry, Instant at);
  bool review_stale(Instant at);
  void review(const store::DueEntry& entry, Instant at);
  // A slice of a walk. True: there is more at once.
  bool go_on(IndexWalk& walk, const std::function<bool(const store::DueEntry&)>& visit);
  bool may_take_on() const;
  // Said once a minute for each operation.
  void storage_failed(std::string_view operation, const Error& error,
                      const std::optional<MessageId>& id);

  // --- queue_holding.cc ---
  // As of the last poll; nullopt: it could not be read.
  std::optional<bool> is_suspended(const AccountId& account);
  // The job's message waits until its account is resumed.
  void hold_job(Job job, DestinationPtr destination);
  void note_pause(const DestinationPtr& destination, std::optional<Duration> retry_in);
  void probe_where_asked(Instant at);
  // What destinations hold, each and in all.
  void enqueue(const DestinationPtr& destination, Job job);
  void let_go(const DestinationPtr& destination, const Job& job);
  void lost_weight(const Destination& destination, std::size_t weight);
  // The reader passes over the destination while it has no room.
  bool close_if_full(Destination& destination, Instant at);
  void open_if_roomy(Destination& destination, Instant at);
  void give_back_waiting(const DestinationPtr& destination);

  // --- queue_orders.cc ---
  static Status status_of_held();
  void take_orders(Instant at);
  void use_orders(Instant at);
  void end_order(const OrderId& id);
  bool obey_waiting(Instant at);
  bool obey_on(const store::DueEntry& entry, Instant at);
  std::optional<Job> obey(Job job, Instant at);
  void carry_out(const store::OrderRecord& order, Job job, Instant at);
  void hold_by_order(Job job, Instant at);
  void give_up(const store::OrderRecord& order, Job job, Instant at);
  void move_to(const std::string& route, Job job, Instant at);

  // --- queue_delivery.cc ---
  void start_deliveries(const DestinationPtr& destination);
  void start_others();
  void start_successors();
  void start(const DestinationPtr& destination, Job job);
  static net::Awaitable<void> work(std::shared_ptr<Impl> self, DestinationPtr destination, Job job);
  std::optional<Job> next_job(const DestinationPtr& destination);
  // False: it could not be read what became of it meanwhile.
  bool drop_changed(Job& job);
  // nullopt: the job is over, or waits again.
  std::optional<Ready> make_ready(const DestinationPtr& destination, Job job, bool is_running);
  // What is to be delivered behind `job`, by the same connection. Null: nothing yet, or nothing that goes by one.
  const DeliveryRequest* look_ahead(const DestinationPtr& destination, const Job& job, std::optional<Ready>& ahead);
  void put_back(const DestinationPtr& destination, Job job);
  bool is_kept_back(const DestinationPtr& destination, Job& job, bool is_running);
  void split_off_surplus(Job& job, const DestinationPtr& destination);
  // A part of the message, beside the job that it was taken from.
  void enqueue_part(const Job& job, std::vector<std::uint32_t> recipients,
                    const DestinationPtr& destination);
  std::vector<std::uint32_t> without_suppressed(const Job& job,
                                                std::vector<std::uint32_t>& suppressed);
  void suppress(const store::StoredMessage& stored, const Publication& publication);
  void delivered(const DestinationPtr& destination, Job job, std::vector<RecipientReport> reports,
                 const std::vector<std::uint32_t>& suppressed);
  void surplus(const DestinationPtr& destination, Job job, const RecipientReport& report);
  void note_concurrency(const Destination& destination, std::size_t before) const;
  void judge_contact(const DestinationPtr& destination, const Job& job,
                     const std::vector<RecipientReport>& reports);
  void went_down(const DestinationPtr& destination, const Status& status);
  void no_route(Job job);
  void settle(Job job, DestinationPtr destination, Publication publication);
  void write(std::shared_ptr<Unsynced> unsynced);
  void synced(std::shared_ptr<Unsynced> unsynced, const Result<void>& result);
  void refused(std::shared_ptr<Unsynced> unsynced, const Error& error);
  void close_part(const Job& job);
  static void note_left(Lease& lease, std::uint32_t recipient);
  void take_up_next(const DestinationPtr& destination);

  QueueParts parts_;
  QueueSettings settings_;
  NoticeWriter notices_;
  net::asio::steady_timer timer_;
  std::unique_ptr<DestinationSet> destinations_;
  std::vector<std::weak_ptr<Destination>> retired_;  // of replaced routes, while deliveries run
  DueReader reader_;
  LeaseTable leases_;
  Holdings holdings_;
  Turns turns_;  // of destinations with jobs that wait for others' deliveries to end
  AcceptedMail accepted_;

  // What has waited for long at a destination that cannot be used: it still expires and still owes
  // notices.
  IndexWalk review_;
  // What the clock, set back, has made wait longer than its back-off.
  IndexWalk redate_;
  Instant last_polled_;
  bool is_set_back_ = false;  // the clock, since the poll before the last one
  Instant next_poll_;
  Instant next_review_;
  std::map<std::string, Instant, std::less<>> failures_said_;  // by operation

  std::map<AccountId, bool> suspended_;  // of the accounts met since the last poll
  HeldMail held_;
  std::shared_ptr<const OrderBook> orders_ = std::make_shared<const OrderBook>();
  OrderedMail ordered_;
  IndexWalk obeying_;  // bounces and moves what waits
  std::map<std::string, NotedPause> paused_since_;  // by name of the destination

  std::size_t running_ = 0;
  std::size_t unsynced_ = 0;
  std::size_t cut_off_ = 0;  // jobs whose connection we ended: due again, and may arrive twice
  std::vector<std::shared_ptr<Unsynced>>
      refused_;  // by a store that is full for the moment; written again at each poll
  bool is_stopping_ = false;
  bool is_cancelled_ = false;
  bool has_storage_failed_ = false;
  std::chrono::steady_clock::time_point cancelled_at_;
  bool is_poked_ = false;
};

}  // namespace postern::relay
