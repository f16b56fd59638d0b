// Test runs and what stands beside test mail.
#include "store/record_table.h"
#include "store/run_table.h"
#include "store/octets.h"
#include "store/spool_impl.h"
#include "store/spool_requests.h"

namespace postern::store {

Result<std::vector<StoredMessage>> Spool::list_run_after(const AccountId& account, std::string_view run,
                                                         const std::optional<MessageId>& after, std::size_t limit) const {
  return impl_->with_reader([&](ReadTransaction& transaction) {
    return store::list_run_after(transaction, account, run, after, limit);
  });
}

Result<std::vector<StoredMessage>> Spool::list_run_before(const AccountId& account, std::string_view run,
                                                          const std::optional<MessageId>& before, std::size_t limit) const {
  return impl_->with_reader([&](ReadTransaction& transaction) {
    return store::list_run_before(transaction, account, run, before, limit);
  });
}

Result<std::vector<RunOutline>> Spool::list_runs(const AccountId& account, std::size_t limit) const {
  return impl_->with_reader([&](ReadTransaction& transaction) { return store::list_runs(transaction, account, limit); });
}

Result<std::optional<RunRecord>> Spool::find_run(const AccountId& account, std::string_view run) const {
  return impl_->with_reader([&](ReadTransaction& transaction) { return store::find_run(transaction, account, run); });
}

Result<void> Spool::make_run(const RunRecord& run) {
  return impl_->run([&](SpoolTransaction spool) { return insert_run(spool.transaction, run); });
}

Result<void> Spool::set_run_clock(const AccountId& account, std::string_view run, Instant clock) {
  return impl_->run([&](SpoolTransaction spool) { return store::set_run_clock(spool.transaction, account, run, clock); });
}

Result<void> Spool::set_run_told(const AccountId& account, std::string_view run, std::uint64_t sequence) {
  return impl_->run([&](SpoolTransaction spool) { return store::set_run_told(spool.transaction, account, run, sequence); });
}

Result<void> Spool::put_run_memories(const std::vector<RunMemory>& memories) {
  return impl_->run([&](SpoolTransaction spool) -> Result<void> {
    for (const RunMemory& memory : memories) {
      if (Result<void> put = put_run_memory(spool.transaction, memory); !put) return put;
    }
    return {};
  });
}

Result<std::optional<RunMemory>> Spool::find_run_memory(const AccountId& account, std::string_view run) const {
  return impl_->with_reader([&](ReadTransaction& transaction) { return store::find_run_memory(transaction, account, run); });
}

void Spool::keep_transcript(const MessageId& id, SessionTranscript transcript, Completion done) {
  impl_->queue.submit(make_transcript_request(id, std::move(transcript), std::move(done)), lmdb::Urgency::Soon,
                      lmdb::Admission::Always);
}

Result<std::optional<SessionTranscript>> Spool::find_transcript(const MessageId& id) const {
  return impl_->with_reader([&](ReadTransaction& transaction) {
    return find_record<SessionTranscript>(transaction, octets_of(id.octets));
  });
}

Result<void> Spool::remove_run(const AccountId& account, std::string_view run) {
  return impl_->run([&](SpoolTransaction spool) { return erase_run(spool.transaction, account, run); });
}

}  // namespace postern::store
