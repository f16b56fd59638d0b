// Requests to the spool's commit thread that need nothing of the spool but its tables.
#pragma once

#include "core/completion.h"
#include "lmdb/commit_queue.h"
#include "store/records.h"
#include "store/runs.h"

#include <memory>
#include <optional>
#include <string>

namespace postern::store {

// In place of what stands there; of a message that is gone nothing is written.
std::unique_ptr<lmdb::CommitRequest> make_inbound_request(InboundRecord record, Completion done);
// Of a message that is gone nothing is written.
std::unique_ptr<lmdb::CommitRequest> make_transcript_request(const MessageId& id, SessionTranscript transcript, Completion done);
// nullopt: the pause is over.
std::unique_ptr<lmdb::CommitRequest> make_pause_request(std::string name, std::optional<DestinationPause> pause, Completion done);

}  // namespace postern::store
