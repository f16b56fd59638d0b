// The spool: durable messages from end-of-data until their retention ends. A message's life: open → committed → (leased)
// → settled per recipient → removed. Leases are the queue's and live in memory only: after a crash every message that was
// under way is simply due again. The instant of acceptance is the sync of the commit that writes its MessageRecord.
//
// Reads: any thread, one short read transaction each, owned values out; they fail with IoError or CorruptRecord. Writes: any
// thread, handed to the one commit thread, which takes all that waits, commits it with one sync and then calls the completions;
// beside what stands with each they fail with StorageFull or StorageFailed.
#pragma once

#include "core/completion.h"
#include "core/event.h"
#include "core/random.h"
#include "core/result.h"
#include "core/stall.h"
#include "store/lane.h"
#include "store/records.h"
#include "store/runs.h"

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace postern::lmdb {
class LmdbEnvironment;
}  // namespace postern::lmdb

namespace postern::store {

inline constexpr std::size_t kChunkOctets = 16 * 4'074;  // content per chunk: its rows fill sixteen pages
inline constexpr std::size_t kWriterWindowOctets = 4 * kChunkOctets;  // unwritten content one message may hold in memory

struct SpoolLimits {
  // New mail neither fills more of the spool's file than this nor grows the file beyond it: StorageFull.
  std::uint64_t max_octets = 64ULL << 30;
  std::uint64_t min_free_octets = 512ULL << 20;   // free space on the disk that new mail leaves for settling what is queued
  Duration settled_retention = std::chrono::days(7);      // records of finished messages
  std::uint64_t settled_max_messages = 1'000'000;
  Duration capture_retention = std::chrono::days(3);      // content of test messages
  std::uint64_t capture_max_octets = 2ULL << 30;
  Duration event_retention = std::chrono::days(30);
  std::uint64_t event_max_count = 10'000'000;
  std::uint64_t idempotency_max_count = 1'000'000;  // records; the oldest goes first
};


// A message on its way in. One thread at a time. Destroying it before commit abandons it: its chunks are removed.
class MessageWriter {
 public:
  virtual ~MessageWriter() = default;
  virtual const MessageId& id() const = 0;
  // Keeps a copy; full chunks go to the commit thread while more arrives. False: above kWriterWindowOctets, drain first.
  virtual bool append(std::string_view content) = 0;
  // `done` when the window has room again, or with the error that lost a chunk (the message cannot be committed then).
  virtual void drain(Completion done) = 0;
  virtual std::uint64_t octets() const = 0;
  // For reading back what was appended, with flush() before: that many chunks are read by Spool::read_chunk(), the rest is held().
  virtual void flush(Completion done) = 0;  // `done` when they are written, or with the error that lost one
  virtual std::uint32_t streamed_chunks() const = 0;
  virtual std::string_view held() const = 0;  // until the next append()
};

// What one delivery attempt, or an operator, changed of a message. Applied to the record as it is at commit time.
struct RecipientChange {
  std::uint32_t index = 0;  // in the envelope's order
  RecipientState state;
};
struct NewNotification;  // a DSN to spool in the same commit, below
struct Settlement {
  MessageId id;
  std::vector<RecipientChange> changes;
  std::vector<Event> events;                    // `sequence` is given by the spool
  std::vector<NewNotification> notifications;
  std::optional<Instant> scheduled_at = {};     // another time for what waits for one
};
struct NewNotification {
  MessageRecord message;      // id, envelope and facts filled in; content_octets and chunk_count are set by the spool
  DeliveryRecord delivery;
  std::string content;
};

// What commit() writes beside the content.
struct NewMessage {
  MessageRecord record;
  DeliveryRecord delivery;
  std::vector<Event> events;
  std::optional<IdempotencyClaim> claim;
  std::optional<InboundRecord> inbound = {};  // of a message that came in: its origin, and content_until is set
};

// Why new mail is refused for want of room, or that it is not.
enum class SpaceFinding : std::uint8_t { Room, CapReached, DiskNearlyFull, Pinned, ReadOnly, Unknown };
std::string_view name_of(SpaceFinding finding);  // a sentence without its full stop

struct SpoolSpace {
  SpaceFinding finding = SpaceFinding::Room;
  std::uint64_t used_octets = 0;  // live pages
  std::uint64_t file_octets = 0;
  std::uint64_t free_disk_octets = 0;
  std::uint64_t reusable_octets = 0;  // free pages inside the file; counted up to some 256 MiB
  std::uint64_t pinned_octets = 0;    // free pages that a process which reads an old state keeps from being used again
  std::optional<int> pinned_by;       // that process (0: one of another PID namespace)
};

struct SpoolUsage {
  std::uint64_t used_octets = 0;     // live pages
  std::uint64_t file_octets = 0;
  std::uint64_t free_disk_octets = 0;
  std::uint64_t messages = 0;        // records, settled ones too
  std::uint64_t queued = 0;          // messages that are not settled
  std::uint64_t events = 0;
  std::uint64_t captured_octets = 0;
};

// What remove_expired took away.
struct Expiry {
  std::size_t idempotency = 0;
  std::size_t messages = 0;
  std::size_t contents = 0;
  std::size_t events = 0;
  std::size_t runs = 0;  // their messages are not counted above
};

class Spool {
 public:
  Spool(std::unique_ptr<lmdb::LmdbEnvironment> environment, const SpoolLimits& limits, std::chrono::milliseconds stall_after);
  ~Spool();

  // --- Taking messages in ---
  // StorageFull if a cap is reached or the disk is nearly full (cheap: as of the last look), StorageFailed after a failed sync,
  // StorageShedding when more than the commit queue's bound waits, or no commit ends.
  Result<void> can_accept() const;
  // Looks at the room there is, for can_accept() too. A read transaction and some system calls: not on an I/O thread.
  SpoolSpace look_at_space() const;
  // Messages that were refused at their commit since this opened, for lack of room. Where free pages come and go that is all that
  // shows of a spool which is as good as full.
  std::uint64_t refused_for_room() const;
  // No commit has ended for a while. Cheap unless there is a stall.
  std::optional<Stall> stall() const;
  // Asks the process that `pinned_by` names to end, stopped or not. False: it is not one that this process can tell.
  bool send_away(int process) const;
  // `account`: whose content it is while it arrives. Above the account's part of the spool, or all's, the message gets StorageFull.
  std::unique_ptr<MessageWriter> open_message(const MessageId& id, const AccountId& account = {});
  // Writes the rest of the content, the records, the due entry and the events in one commit; `done` after its sync. The spool
  // fills in content_octets and chunk_count. A delivery with no `due` is stored as settled (nothing to do). With a claim, the
  // idempotency record is part of the commit; where the account's key is taken within kIdempotencyRetention, nothing is stored
  // and `done` gets AlreadyExists (same fingerprint) or Conflict (another): find_idempotent() tells whose it is.
  void commit(std::unique_ptr<MessageWriter> writer, NewMessage&& message, Completion done);
  // As of `now`: an older record counts as absent.
  Result<std::optional<IdempotencyRecord>> find_idempotent(const AccountId& account,
                                                           const std::array<std::uint8_t, 32>& key_digest, Instant now) const;

  // --- Delivering ---
  // As of store/due_index.h: what is due in a lane, the lanes that have anything, and all entries lane by lane.
  Result<DueSlice> due(std::string_view lane, const std::optional<DueKey>& after, Instant until, std::size_t limit) const;
  Result<std::vector<LaneHead>> lanes(const std::optional<std::string>& after, std::size_t limit) const;
  Result<std::vector<DueEntry>> queued(const std::optional<DueEntry>& after, std::size_t limit) const;
  Result<std::optional<StoredMessage>> find(const MessageId& id) const;
  // One chunk of the content. NotFound: not there (any more).
  Result<std::string> read_chunk(const MessageId& id, std::uint32_t index) const;
  // Applies the changes, moves or removes the due entry (the earliest next_attempt of what is still Pending), appends the
  // events, spools the notifications. When nothing is pending any more the content of a live message is removed; that of a test
  // message stays until content_until. A message that is gone meanwhile: the changes are dropped, `done` gets NotFound.
  void settle(Settlement settlement, Completion done);
  // The same; it is not changed before `done`.
  void settle(std::shared_ptr<const Settlement> settlement, Completion done);

  // Puts down that nothing goes to the destination `name`; nullopt: that is over. `done` after the sync.
  void set_pause(std::string name, std::optional<DestinationPause> pause, Completion done);
  Result<std::vector<DestinationPause>> list_pauses() const;
  // Asks the server's queue to probe every destination at once. Blocks until synced.
  Result<void> clear_pauses();

  // --- What came in ---
  // Newest first, strictly before `before` if given; of one account.
  Result<std::vector<InboundRecord>> list_inbound(const AccountId& account, const std::optional<MessageId>& before,
                                                  std::size_t limit) const;
  Result<std::optional<InboundRecord>> find_inbound(const AccountId& account, const MessageId& id) const;
  // What is_unread(), oldest first, strictly after `after` if given.
  Result<std::vector<InboundRecord>> unread_inbound(const std::optional<MessageId>& after, std::size_t limit) const;
  // In place of what stands there; one whose message is gone is dropped. `done` after the sync.
  void note_inbound(InboundRecord record, Completion done);

  // --- For people: the command line, later the dashboard ---
  // Newest first, strictly older than `before` if given.
  Result<std::vector<StoredMessage>> list(const std::optional<MessageId>& before, std::size_t limit) const;
  Result<std::vector<Event>> events_of(const MessageId& id) const;
  // A page of them: in order of sequence strictly after `after`, newest first strictly before `before`.
  Result<std::vector<Event>> events_of_after(const MessageId& id, std::uint64_t after, std::size_t limit) const;
  Result<std::vector<Event>> events_of_before(const MessageId& id, std::uint64_t before, std::size_t limit) const;
  // In order of sequence, strictly after `after`.
  Result<std::vector<Event>> events_after(std::uint64_t after, std::size_t limit) const;
  // One event by its sequence; nullopt: its retention has ended.
  Result<std::optional<Event>> find_event(std::uint64_t sequence) const;
  // The last sequence given; 0: none yet.
  Result<std::uint64_t> last_sequence() const;
  // The next event's number will be above `sequence`. Blocks until synced.
  Result<void> raise_last_sequence(std::uint64_t sequence);
  // The same for what one account submitted; notifications about it are the relay's. Newest first where a `before` is the bound
  // (nullopt: from the newest), oldest first for `after`.
  Result<std::vector<StoredMessage>> list_of(const AccountId& account, const std::optional<MessageId>& before,
                                             std::size_t limit) const;
  Result<std::vector<StoredMessage>> list_newer_of(const AccountId& account, const MessageId& after, std::size_t limit) const;
  // Of one run, notices about its messages included: oldest first strictly after `after`, newest first strictly before `before`.
  Result<std::vector<StoredMessage>> list_run_after(const AccountId& account, std::string_view run,
                                                    const std::optional<MessageId>& after, std::size_t limit) const;
  Result<std::vector<StoredMessage>> list_run_before(const AccountId& account, std::string_view run,
                                                     const std::optional<MessageId>& before, std::size_t limit) const;
  // At most `limit` of the account's runs, in no order that means anything.
  Result<std::vector<RunOutline>> list_runs(const AccountId& account, std::size_t limit) const;
  // The record of a run that was made; nullopt: there is none.
  Result<std::optional<RunRecord>> find_run(const AccountId& account, std::string_view run) const;
  // AlreadyExists; LimitExceeded at kMaxRunsOfAccount. Blocks until synced, as do the next two.
  Result<void> make_run(const RunRecord& run);
  // NotFound: it has no clock of its own; InvalidArgument: it would go back.
  Result<void> set_run_clock(const AccountId& account, std::string_view run, Instant clock);
  // Events of its messages up to `sequence` were offered to webhooks. NotFound.
  Result<void> set_run_told(const AccountId& account, std::string_view run, std::uint64_t sequence);
  // In one commit; what belongs to no run that is there is left out. Blocks until synced.
  Result<void> put_run_memories(const std::vector<RunMemory>& memories);
  Result<std::optional<RunMemory>> find_run_memory(const AccountId& account, std::string_view run) const;
  // The record, and what its script was asked. NotFound.
  Result<void> remove_run(const AccountId& account, std::string_view run);
  Result<std::vector<Event>> events_of_account_before(const AccountId& account, std::optional<std::uint64_t> before,
                                                      std::size_t limit) const;
  Result<std::vector<Event>> events_of_account_after(const AccountId& account, std::uint64_t after, std::size_t limit) const;
  // Made the first time that it is asked for; blocks then until it is synced.
  Result<EventIdKey> event_id_key(Random& random);
  // True once a live message that the account submitted was delivered, however long ago.
  Result<bool> has_delivered(const AccountId& account) const;
  // Beside a test message that is there, up to kMaxTranscriptOctets; goes with its content. `done` after the sync.
  void keep_transcript(const MessageId& id, SessionTranscript transcript, Completion done);
  Result<std::optional<SessionTranscript>> find_transcript(const MessageId& id) const;
  // Appends an event that belongs to no delivery attempt. `done` after the sync.
  void record_event(Event event, Completion done);
  Result<SpoolUsage> usage() const;
  // Makes pending recipients due now. NotFound: no such message; Conflict: nothing is pending. Blocks until synced.
  Result<void> retry_now(const MessageId& id, Instant now);
  // Gives a scheduled message another time, with an event. NotFound; Conflict: it waits for none, or has begun. The entry is for
  // Queue::accepted(). Blocks until synced.
  Result<DueEntry> reschedule(const MessageId& id, Instant at, Instant now);
  // Pending recipients become Cancelled, with an event each. Fails and blocks as retry_now().
  Result<void> cancel(const MessageId& id, Instant now);
  // Removes messages, queued or settled, content and all; their events stay. Returns how many there were. An attempt that is under
  // way ends in nothing. Commits of a bounded size; blocks until synced. For test mail: nobody is told of one that was queued.
  Result<std::size_t> remove_messages(std::span<const MessageId> ids);

  // --- Keeping it bounded ---
  // Removes at most `limit` of what has outlived its retention or is above its bound: content of test messages, records of
  // settled messages, events. Blocks until synced; the server calls it from its maintenance thread.
  Result<Expiry> remove_expired(Instant now, std::size_t limit);
  // See Store::back_up().
  Result<void> copy_to(const std::filesystem::path& folder) const;
  // Every record is readable, every index agrees. One sentence per finding; empty: sound. Reads only.
  Result<std::vector<std::string>> examine() const;
  // One step of it (store/examination.h); `report` gets each finding as it is made.
  Result<void> examine(std::size_t step, const std::function<void(std::string)>& report) const;

  // Makes the commit thread now; else the first write does. Throws std::system_error where there is none to spare.
  void start();
  // Removes what messages left that were still arriving when the last server died; Store::open calls it for the server. Returns
  // how many there were.
  Result<std::size_t> recover();

  // True after a failed sync: nothing will be accepted until restart.
  bool has_failed() const;

  class Impl;  // store/spool.cc

 private:
  Result<std::size_t> remove_ended_runs(Instant now, std::size_t limit);

  std::unique_ptr<Impl> impl_;
};

}  // namespace postern::store
