#include "store/spool_requests.h"

#include "store/codec.h"
#include "store/inbound_table.h"
#include "store/message_table.h"
#include "store/octets.h"
#include "store/record_table.h"
#include "store/schema.h"
#include "store/tables.h"

#include <algorithm>
#include <utility>

namespace postern::store {
namespace {

class InboundRequest final : public lmdb::CommitRequest {
 public:
  InboundRequest(InboundRecord record, Completion done) : record_(std::move(record)), done_(std::move(done)) {}
  Result<void> apply(WriteTransaction& transaction) override {
    const Result<bool> exists = has_message(transaction, record_.id);
    if (!exists) return exists.error();
    return *exists ? put_inbound(transaction, record_) : Result<void>();
  }
  void complete(Result<void> outcome) override { done_(std::move(outcome)); }

 private:
  InboundRecord record_;
  Completion done_;
};

class TranscriptRequest final : public lmdb::CommitRequest {
 public:
  TranscriptRequest(const MessageId& id, SessionTranscript transcript, Completion done)
      : id_(id), transcript_(std::move(transcript)), done_(std::move(done)) {
    transcript_.text.resize(std::min(transcript_.text.size(), kMaxTranscriptOctets));
  }
  Result<void> apply(WriteTransaction& transaction) override {
    const Result<bool> exists = has_message(transaction, id_);
    if (!exists) return exists.error();
    return *exists ? put_record(transaction, octets_of(id_.octets), transcript_) : Result<void>();
  }
  void complete(Result<void> outcome) override { done_(std::move(outcome)); }

 private:
  MessageId id_;
  SessionTranscript transcript_;
  Completion done_;
};

class PauseRequest final : public lmdb::CommitRequest {
 public:
  PauseRequest(std::string name, std::optional<DestinationPause> pause, Completion done)
      : name_(std::move(name)), pause_(std::move(pause)), done_(std::move(done)) {}
  Result<void> apply(WriteTransaction& transaction) override {
    WritableTable pauses(transaction, SpoolTable::DestinationPauses);
    if (!pause_) {
      if (Result<bool> erased = pauses.erase(name_); !erased) return erased.error();
      return {};
    }
    std::string octets;
    encode(*pause_, octets);
    return pauses.put(name_, octets);
  }
  void complete(Result<void> outcome) override { done_(std::move(outcome)); }
  bool waits_out_stalls() const override { return true; }

 private:
  std::string name_;
  std::optional<DestinationPause> pause_;
  Completion done_;
};

}  // namespace

std::unique_ptr<lmdb::CommitRequest> make_inbound_request(InboundRecord record, Completion done) {
  return std::make_unique<InboundRequest>(std::move(record), std::move(done));
}

std::unique_ptr<lmdb::CommitRequest> make_transcript_request(const MessageId& id, SessionTranscript transcript, Completion done) {
  return std::make_unique<TranscriptRequest>(id, std::move(transcript), std::move(done));
}

std::unique_ptr<lmdb::CommitRequest> make_pause_request(std::string name, std::optional<DestinationPause> pause, Completion done) {
  return std::make_unique<PauseRequest>(std::move(name), std::move(pause), std::move(done));
}

}  // namespace postern::store
