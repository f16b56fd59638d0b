// ContentWriter: a message on its way in. The last chunk stays in memory until the message is committed, so a message of one
// chunk is a single commit; full chunks before it go to the commit queue as patient requests.
#pragma once

#include "lmdb/commit_queue.h"
#include "store/mail_shares.h"
#include "store/spool.h"
#include "store/spool_content.h"
#include "store/spool_transaction.h"

#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace postern::store {

// What the writer and its chunks on the commit thread both know. Shared: either side may end first.
class WriterWindow {
 public:
  void add(std::size_t octets);
  // A chunk was written, or lost.
  void release(std::size_t octets, const Result<void>& outcome);
  // Nothing more is written, and the message cannot be committed.
  void fail(const Error& error);
  std::size_t octets() const;
  std::optional<Error> error() const;
  // Keeps `done` until at most `octets` wait; hands it back, to be called, if that is so or there is an error now.
  Completion wait(Completion done, std::size_t octets = kWriterWindowOctets - kChunkOctets);

 private:
  bool may_go_on() const { return error_.has_value() || octets_ <= awaited_; }

  mutable std::mutex mutex_;
  std::size_t octets_ = 0;
  std::size_t awaited_ = 0;
  std::optional<Error> error_;
  Completion waiter_;
};

class ContentWriter final : public MessageWriter {
 public:
  // The frame is that of the queue's batches; both outlive the writer and what it submits, as does what counts open content.
  ContentWriter(lmdb::CommitQueue& queue, SpoolFrame& frame, OpenContent& open_content, const MessageId& id,
                const AccountId& account);
  ~ContentWriter() override;

  const MessageId& id() const override { return id_; }
  bool append(std::string_view content) override;
  void drain(Completion done) override;
  std::uint64_t octets() const override { return octets_; }
  void flush(Completion done) override { drain_to(0, std::move(done)); }
  std::uint32_t streamed_chunks() const override { return streamed_chunks_; }
  std::string_view held() const override { return chunk_; }

  // What the accepting commit still has to write. The writer abandons nothing after it.
  struct Rest {
    std::shared_ptr<WriterWindow> window;
    std::string last_chunk;
    ChunkSums last_sums{};
    std::uint32_t streamed_chunks = 0;  // before it
    std::uint64_t octets = 0;
    std::uint32_t chunk_count() const { return streamed_chunks + (last_chunk.empty() ? 0 : 1); }
  };
  Rest finish();

 private:
  void send_chunk();
  void close_content();
  void drain_to(std::size_t octets, Completion done);

  lmdb::CommitQueue& queue_;
  SpoolFrame& frame_;
  OpenContent& open_content_;
  MessageId id_;
  AccountId account_;
  std::shared_ptr<WriterWindow> window_;
  std::string chunk_;
  std::uint32_t streamed_chunks_ = 0;
  std::uint64_t streamed_octets_ = 0;
  std::uint64_t octets_ = 0;
  bool is_finished_ = false;
};

// Has what was streamed of a message removed with the next commit; nothing if `streamed_chunks` is 0.
void abandon_streamed_content(lmdb::CommitQueue& queue, SpoolFrame& frame, const MessageId& id, std::uint32_t streamed_chunks);

}  // namespace postern::store
