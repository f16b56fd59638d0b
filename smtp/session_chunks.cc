// BDAT (RFC 3030): a chunk's octets follow its command line at once, whatever the answer will be. So whoever gets a refusal has
// its chunk read and dropped first, and where the chunk's end cannot be known or is too far away, the session hangs up:
// never is an octet of a chunk taken for a command.
#include "smtp/session_impl.h"

#include <algorithm>
#include <string>
#include <utility>

namespace postern::smtp {
namespace {

std::string received_text(std::uint64_t octets) { return std::to_string(octets) + " octets received"; }

}  // namespace

void Session::Impl::bdat(std::string_view argument) {
  const auto given = parse_chunk_argument(argument);
  if (!given) return hang_up(replies::k501_5_5_4_bad_argument);
  chunk_ = Chunk{*given, given->octets, refuse_chunk_early(given->octets)};
  if (given->octets > config.max_message_octets) {
    append_reply(output, *chunk_->refusal);
    return end_session(stage, true);
  }
  if (!chunk_->refusal && !transaction->is_chunked) {
    transaction->is_chunked = true;
    asked = OpenMessage{&transaction->envelope};
  }
  phase = Phase::Chunk;
}

// Why the chunk that begins cannot be taken. A message that has grown too big is over.
std::optional<Status> Session::Impl::refuse_chunk_early(std::uint64_t octets) {
  const FixedReply* reply = transaction ? refuse_content_early() : &replies::k503_5_5_1_mail_first;
  if (reply != nullptr) {
    note(token_of(*reply));
    return to_status(*reply);
  }
  const bool is_too_big = octets > config.max_message_octets || transaction->chunks.octets() + octets > config.max_message_octets;
  if (!is_too_big) return std::nullopt;
  end_transaction();
  note(Refusal::MessageTooBig);
  return refusal_status(Refusal::MessageTooBig);
}

void Session::Impl::take_chunked_open_answer(const OpenAnswer& answer) {
  if (!answer.refusal) {
    transaction->sink = answer.sink;
    return;
  }
  const bool ends_session = answer.refusal->ends_session();
  chunk_->refusal = answer.refusal->status();
  end_transaction();
  phase = Phase::Chunk;
  if (!ends_session) return;
  append_reply(output, *chunk_->refusal);
  end_session(stage, true);
}

std::optional<Step> Session::Impl::read_chunk() {
  if (chunk_->left == 0) {
    finish_chunk();
    return std::nullopt;
  }
  if (input_.size() == 0) return NeedInput{};
  const std::string_view waiting = input_.view();
  const std::string_view octets = waiting.substr(0, std::min<std::uint64_t>(chunk_->left, waiting.size()));
  input_.consume(octets.size());
  chunk_->left -= octets.size();
  if (chunk_->refusal) return std::nullopt;
  Transaction& t = *transaction;
  if (!t.chunks.read(octets)) {
    hang_up_on_bare_newline();
    return std::nullopt;
  }
  refuse_unfit_content(t.chunks.has_nul(), t.chunks.has_long_line());
  if (t.sink != nullptr && !t.sink->append(octets)) return DrainContent{};
  return std::nullopt;
}

// RFC 3030 §2: behind a failed chunk the client's next ones may be in the pipeline already, so a refusal of a chunk is junk and
// no error.
void Session::Impl::finish_chunk() {
  const Chunk chunk = *std::exchange(chunk_, std::nullopt);
  phase = Phase::Commands;
  if (!chunk.refusal && chunk.argument.is_last && transaction->chunks.ends_in_cr()) return hang_up_on_bare_newline();
  std::optional<Status> refusal = chunk.refusal;
  if (!refusal && transaction->content_refusal) {
    refusal = *transaction->content_refusal;
    end_transaction();
  }
  if (refusal) {
    append_reply(output, *refusal);
    return count_junk();
  }
  if (chunk.argument.is_last) {
    // The next hop may get it by DATA, which knows complete lines only. The store has room for two octets.
    if (!transaction->chunks.is_at_line_start()) transaction->sink->append("\r\n");
    return finish_content();
  }
  append_reply(output, Status{250, EnhancedCode{2, 0, 0}, received_text(chunk.argument.octets)});
  if (chunk.argument.octets == 0) count_junk();
}

}  // namespace postern::smtp
