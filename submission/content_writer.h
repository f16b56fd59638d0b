// The stored half of a message on its way in: the trace header on top, the header section with its
// fix-ups, the body; signed while it is written. Where a long line was seen it is read back and
// written anew, under another id (mime/long_lines).
#pragma once

#include "core/result.h"
#include "mime/header_scan.h"
#include "mime/long_lines.h"
#include "net/awaitable.h"
#include "submission/context.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace postern::submission {

// On one executor; what the constructor is given outlives it. begin(), then append() and drain(),
// then finish_signing() and take().
class ContentWriter {
 public:
  ContentWriter(const SubmissionContext& context, const Submitter& submitter,
                const TraceFacts& trace, const AccountId& account);

  const MessageId& id() const { return writer_->id(); }
  Instant opened_at() const { return opened_at_; }

  // Before begin(): the message gets a link to that. Its own id is filled in.
  void offer_unsubscribing(domains::Unsubscription offer) { offer_ = std::move(offer); }
  // The header section is complete. `header` outlives the writing.
  void begin(const mime::HeaderScan& header);
  // What follows it. False: drain first.
  bool append(std::string_view content);
  net::Awaitable<void> drain();
  // All has come. False: nothing can be mended, and everything is as it was.
  net::Awaitable<Result<bool>> mend_long_lines(const mime::HeaderScan& header);

  // DKIM-Signature fields; empty where nothing is signed or no signature could be made. Once.
  std::string finish_signing();
  // What cannot be signed goes out unsigned: a reader may trust it less, but nobody's mail stands
  // still.
  const std::optional<Error>& signing_failure() const { return signing_failure_; }
  std::unique_ptr<store::MessageWriter> take() { return std::move(writer_); }

  // Of what was written, below the trace header.
  bool is_eight_bit() const { return is_eight_bit_; }
  bool is_header_eight_bit() const { return is_header_eight_bit_; }
  std::uint32_t trace_octets() const { return trace_octets_; }
  // Of the header as it goes out, without angle brackets. Once.
  std::string take_header_message_id() { return std::move(header_message_id_); }

 private:
  void open();
  void begin_signing(const mime::HeaderScan& header);
  std::string write_trace(const mime::HeaderScan& header);
  net::Awaitable<Result<void>> rewrite(const store::MessageWriter& as_it_came,
                                       const mime::HeaderScan& header, mime::LineMender& mender);

  const SubmissionContext& context_;
  const Submitter& submitter_;
  const TraceFacts& trace_;
  const AccountId account_;
  const Instant opened_at_;
  std::optional<domains::Unsubscription> offer_;
  std::unique_ptr<store::MessageWriter> writer_;
  std::unique_ptr<domains::ContentSigner> signing_;  // nullptr: goes out unsigned
  std::optional<Error> signing_failure_;
  std::uint32_t trace_octets_ = 0;
  std::size_t header_octets_ = 0;  // as stored, behind the trace header
  std::string header_message_id_;
  bool is_eight_bit_ = false;
  bool is_header_eight_bit_ = false;
};

}  // namespace postern::submission
