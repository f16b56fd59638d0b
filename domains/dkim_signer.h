// DKIM signatures (RFC 6376; Ed25519 by RFC 8463) over libopendkim, one for each key of the author's domain.
//
// Relaxed canonicalization of header and body, so that what next hops do to white space breaks nothing. Content is hashed as it
// comes: what is held is the header section. The RSA operation takes about a millisecond, so it is done where the message is
// taken in, also on an I/O thread.
#pragma once

#include "domains/content_signer.h"
#include "store/records.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace postern::domains {

class DkimSigner final : public MessageSigner {
 public:
  // The account's record of a normalised domain name, with its private keys readable; of store::kVerifiedOwner that of whoever has
  // verified the name. Any thread.
  using FindDomain = std::function<Result<std::optional<store::DomainRecord>>(const AccountId&, std::string_view)>;

  // IoError: libopendkim cannot be set up.
  static Result<std::unique_ptr<DkimSigner>> create(FindDomain find_domain);
  ~DkimSigner() override;

  // Signs for the domain of the From field, if the account has verified exactly this one. Not where From is missing, stands
  // there twice or names several domains: no one domain could then vouch for the author. This must outlive what is returned.
  // Conflict: it is another account that has verified it.
  Result<std::unique_ptr<ContentSigner>> open(const AccountId& account, const mime::HeaderScan& header) const override;

 private:
  struct Library;
  DkimSigner(FindDomain find_domain, std::unique_ptr<Library> library);
  Result<void> check_not_elsewhere(const std::string& name) const;

  FindDomain find_domain_;
  std::unique_ptr<Library> library_;
};

}  // namespace postern::domains
