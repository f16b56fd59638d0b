// Streaming content into the spool; see the header.
#include "store/message_writer.h"

#include "core/check.h"
#include "store/message_table.h"

#include <algorithm>

namespace postern::store {
namespace {

class ChunkRequest final : public lmdb::CommitRequest {
 public:
  ChunkRequest(SpoolFrame& frame, std::shared_ptr<WriterWindow> window, const MessageId& id, std::uint32_t index,
               std::string content)
      : frame_(frame), window_(std::move(window)), id_(id), index_(index), content_(std::move(content)),
        sums_(sum_chunk(id, index, content_)) {}

  Result<void> apply(WriteTransaction& transaction) override {
    Result<void> put = put_content(transaction);
    // At once: the message's own request may stand in the same commit, and must not be accepted without this chunk.
    if (!put) window_->fail(put.error());
    return put;
  }
  void complete(Result<void> outcome) override { window_->release(content_.size(), outcome); }
  std::size_t octets() const override { return content_.size(); }

 private:
  Result<void> put_content(WriteTransaction& transaction) {
    if (std::optional<Error> lost = window_->error()) return *lost;
    if (Result<void> room = frame_.of(transaction).space.take(content_.size()); !room) return room;
    if (index_ > 0) return put_chunk(transaction, {id_, index_, content_, sums_});
    Result<bool> exists = has_message(transaction, id_);
    if (!exists) return exists.error();
    if (*exists) return Error(ErrorCode::AlreadyExists, "there is a message " + format_message_id(id_));
    Result<void> put = put_chunk(transaction, {id_, index_, content_, sums_});
    if (put) frame_.of(transaction).open_marks.add(id_);
    return put;
  }

  SpoolFrame& frame_;
  std::shared_ptr<WriterWindow> window_;
  MessageId id_;
  std::uint32_t index_;
  std::string content_;
  ChunkSums sums_;
};

// Removes what was streamed of a message that was never committed. If it cannot be written, recovery does it.
class AbandonRequest final : public lmdb::CommitRequest {
 public:
  AbandonRequest(SpoolFrame& frame, const MessageId& id) : frame_(frame), id_(id) {}

  Result<void> apply(WriteTransaction& transaction) override {
    Result<bool> was_open = frame_.of(transaction).open_marks.remove(transaction, id_);
    if (!was_open) return was_open.error();
    return *was_open ? erase_content(transaction, id_) : Result<void>();
  }
  void complete(Result<void>) override {}
  bool waits_out_stalls() const override { return true; }

 private:
  SpoolFrame& frame_;
  MessageId id_;
};

}  // namespace

void WriterWindow::add(std::size_t octets) {
  const std::lock_guard lock(mutex_);
  octets_ += octets;
}

void WriterWindow::release(std::size_t octets, const Result<void>& outcome) {
  Completion waiter;
  Result<void> news;
  {
    const std::lock_guard lock(mutex_);
    octets_ -= octets;
    if (!outcome && !error_) error_ = outcome.error();
    if (waiter_ && may_go_on()) waiter.swap(waiter_);
    if (error_) news = *error_;
  }
  if (waiter) waiter(std::move(news));
}

void WriterWindow::fail(const Error& error) {
  const std::lock_guard lock(mutex_);
  if (!error_) error_ = error;
}

std::size_t WriterWindow::octets() const {
  const std::lock_guard lock(mutex_);
  return octets_;
}

std::optional<Error> WriterWindow::error() const {
  const std::lock_guard lock(mutex_);
  return error_;
}

Completion WriterWindow::wait(Completion done, std::size_t octets) {
  const std::lock_guard lock(mutex_);
  POSTERN_CHECK(!waiter_);
  awaited_ = octets;
  if (may_go_on()) return done;
  waiter_ = std::move(done);
  return nullptr;
}

ContentWriter::ContentWriter(lmdb::CommitQueue& queue, SpoolFrame& frame, OpenContent& open_content, const MessageId& id,
                             const AccountId& account)
    : queue_(queue),
      frame_(frame),
      open_content_(open_content),
      id_(id),
      account_(account),
      window_(std::make_shared<WriterWindow>()) {}

ContentWriter::~ContentWriter() {
  close_content();
  if (!is_finished_) abandon_streamed_content(queue_, frame_, id_, streamed_chunks_);
}

bool ContentWriter::append(std::string_view content) {
  octets_ += content.size();
  if (chunk_.empty()) chunk_.reserve(kSmallContentOctets);
  while (!content.empty()) {
    if (chunk_.size() == kChunkOctets) send_chunk();
    const std::size_t part = std::min(content.size(), kChunkOctets - chunk_.size());
    chunk_.append(content.substr(0, part));
    content.remove_prefix(part);
  }
  return streamed_chunks_ == 0 || window_->octets() + kChunkOctets <= kWriterWindowOctets;
}

void ContentWriter::drain(Completion done) { drain_to(kWriterWindowOctets - kChunkOctets, std::move(done)); }

void ContentWriter::drain_to(std::size_t octets, Completion done) {
  Completion ready = window_->wait(std::move(done), octets);
  if (!ready) return queue_.hurry();
  const std::optional<Error> lost = window_->error();
  ready(lost ? Result<void>(*lost) : Result<void>());
}

ContentWriter::Rest ContentWriter::finish() {
  is_finished_ = true;
  close_content();
  const ChunkSums sums = sum_chunk(id_, streamed_chunks_, chunk_);
  return Rest{.window = window_,
              .last_chunk = std::move(chunk_),
              .last_sums = sums,
              .streamed_chunks = streamed_chunks_,
              .octets = octets_};
}

// It belongs to a commit from now on, or goes.
void ContentWriter::close_content() {
  if (streamed_octets_ > 0) open_content_.remove(account_, streamed_octets_);
  streamed_octets_ = 0;
}

void ContentWriter::send_chunk() {
  if (Result<void> room = open_content_.add(account_, streamed_octets_, chunk_.size()); !room) {
    window_->fail(room.error());
    return chunk_.clear();
  }
  streamed_octets_ += chunk_.size();
  window_->add(chunk_.size());
  queue_.submit(std::make_unique<ChunkRequest>(frame_, window_, id_, streamed_chunks_, std::move(chunk_)),
                lmdb::Urgency::Patient, lmdb::Admission::Always);
  ++streamed_chunks_;
  chunk_ = std::string();
  chunk_.reserve(kChunkOctets);
}

void abandon_streamed_content(lmdb::CommitQueue& queue, SpoolFrame& frame, const MessageId& id, std::uint32_t streamed_chunks) {
  if (streamed_chunks == 0) return;
  queue.submit(std::make_unique<AbandonRequest>(frame, id), lmdb::Urgency::Patient, lmdb::Admission::Always);
}

}  // namespace postern::store
