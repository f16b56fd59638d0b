#include "auth/production_access.h"

#include "core/bytes.h"

#include <algorithm>
#include <optional>

namespace postern::auth {
namespace {

Error did_not_ask() { return Error(ErrorCode::NotFound, "that account has not asked for production access"); }

}  // namespace

Result<bool> ProductionAccess::has_verified_domain(const AccountId& account) const {
  const auto domains = store_.directory().list_domains(account);
  if (!domains) return domains.error();
  return std::ranges::any_of(*domains,
                             [](const store::DomainRecord& domain) { return domain.state == store::DomainState::Verified; });
}

Result<std::vector<ProductionCondition>> ProductionAccess::conditions(const AccountId& account) const {
  const auto domain = has_verified_domain(account);
  if (!domain) return domain.error();
  const auto delivered = store_.spool().has_delivered(account);
  if (!delivered) return delivered.error();
  return std::vector<ProductionCondition>{
      {"verified_domain", *domain,
       *domain ? "the account has a verified domain" : "add a sending domain, publish its DNS records and have it verified"},
      {"delivered_in_sandbox", *delivered,
       *delivered ? "a message was delivered in sandbox mode"
                  : "send a message with a live key to an address on the sandbox whitelist and see it delivered"},
  };
}

Result<store::ProductionRequest> ProductionAccess::request(const AccountId& account, std::string_view use_case) {
  if (use_case.size() > kMaxUseCaseOctets || !is_valid_utf8(use_case)) {
    return Error(ErrorCode::InvalidArgument,
                 "use_case is told in at most " + std::to_string(kMaxUseCaseOctets) + " octets of UTF-8");
  }
  const store::ProductionRequest wanted{account, clock_.now(), std::string(use_case)};
  const Result<void> written = store_.directory().write([&](store::DirectoryWriter& writer) -> Result<void> {
    const auto owner = writer.find_account(account);
    if (!owner) return owner.error();
    if (!*owner) return Error(ErrorCode::NotFound, "there is no such account");
    if ((*owner)->mode == AccountMode::Production) return Error(ErrorCode::Conflict, "the account is in production mode already");
    return writer.put_production_request(wanted);
  });
  if (!written) return written.error();
  return wanted;
}

Result<void> ProductionAccess::decide(const AccountId& account, bool is_approved) {
  store::Directory& directory = store_.directory();
  return directory.write([&](store::DirectoryWriter& writer) -> Result<void> {
    const auto asked = directory.find_production_request(account);  // sees the last commit, and no other can come before this one
    if (!asked) return asked.error();
    if (!*asked) return did_not_ask();
    if (is_approved) {
      auto owner = writer.find_account(account);
      if (!owner) return owner.error();
      if (!*owner) return did_not_ask();
      (*owner)->mode = AccountMode::Production;
      if (const auto put = writer.put_account(**owner); !put) return put.error();
    }
    return writer.remove_production_request(account);
  });
}

Result<void> ProductionAccess::approve(const AccountId& account) { return decide(account, true); }

Result<void> ProductionAccess::decline(const AccountId& account) { return decide(account, false); }

}  // namespace postern::auth
