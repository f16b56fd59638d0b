// What signs a message while it is taken in: Submission feeds it and stores what comes out; how is domains/dkim_signer's.
#pragma once

#include "core/ids.h"
#include "core/result.h"
#include "mime/header_scan.h"

#include <memory>
#include <string>
#include <string_view>

namespace postern::domains {

// One message. Used on one thread at a time.
class ContentSigner {
 public:
  virtual ~ContentSigner() = default;
  // The content as it is stored, without the trace header, in order and in any pieces. A failure shows at finish().
  virtual void append(std::string_view content) = 0;
  // Header fields with their CR LF, to stand on top of the content. Once. IoError: no signature can be made.
  virtual Result<std::string> finish() = 0;
};

// Any thread.
class MessageSigner {
 public:
  virtual ~MessageSigner() = default;
  // nullptr: the account has nothing to sign with for the author that a complete `header` names. Errors: of the store, IoError.
  virtual Result<std::unique_ptr<ContentSigner>> open(const AccountId& account, const mime::HeaderScan& header) const = 0;
};

}  // namespace postern::domains
