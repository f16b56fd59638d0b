// SpooledContent: what is sent of a message, its signatures and then its content, a chunk at a time: as it lies in the spool, or
// made 7-bit on the way for a next hop without 8BITMIME. On the queue's executor.
#pragma once

#include "core/result.h"
#include "core/status.h"
#include "domains/content_signer.h"
#include "mime/long_lines.h"
#include "net/awaitable.h"
#include "store/records.h"
#include "store/spool.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace postern::relay {

class SpooledContent {
 public:
  // Both outlive this.
  SpooledContent(const store::Spool& spool, const store::MessageRecord& message);

  // RFC 6152 §3: from now on next() gives the content with its 8-bit parts in quoted-printable, under new signatures of `signer`
  // where the message bears ours. A status: it cannot be (5yz: a signature of others, or octets where none may be encoded), or not
  // be read (4yz). Before the first next(), once. Reads the content twice, and gives others their turn after each chunk.
  net::Awaitable<std::optional<Status>> make_seven_bit(const domains::MessageSigner* signer);

  // As smtp::ContentSource says.
  Result<std::string> next();
  // Of all that next() will give.
  std::uint64_t octets() const { return octets_; }
  bool was_asked() const { return was_asked_; }
  // The store did not give it.
  bool has_failed() const { return has_failed_; }

 private:
  net::Awaitable<Result<void>> look_through(mime::LineMender& mender, mime::HeaderScan& header);
  net::Awaitable<Result<void>> measure(std::unique_ptr<domains::ContentSigner> signing);
  std::unique_ptr<domains::ContentSigner> open_signing(const domains::MessageSigner& signer, const mime::HeaderScan& header) const;
  Result<std::string> read(std::uint32_t index);

  const store::Spool& spool_;
  const store::MessageRecord& message_;
  std::string signatures_;
  std::uint64_t octets_;
  std::optional<mime::LineMender> mender_;  // what makes it 7-bit, about to write
  std::uint32_t index_ = 0;
  bool was_asked_ = false;
  bool has_failed_ = false;
};

}  // namespace postern::relay
