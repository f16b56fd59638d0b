#include "auth/address_proof.h"

#include "auth/sha256.h"
#include "core/bytes.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

namespace postern::auth {
namespace {

constexpr std::size_t kMaxAddressesRemembered = 65'536;
constexpr std::size_t kCodeCharacters = 12;

Secret make_code(Random& random) {
  std::array<std::uint8_t, 10> octets{};
  random.fill(octets);
  std::string text = format_base32hex(octets);
  text.resize(kCodeCharacters);
  Secret code(text);
  wipe_string(text);
  return code;
}

// People type the dashes or leave them out, and capitals.
Sha256Digest digest_of_code(std::string_view text) {
  std::string plain;
  for (const char c : text.substr(0, 64)) {
    if (c != '-' && c != ' ') plain.push_back(ascii_lower(c));
  }
  Sha256 hash;
  hash.update(plain);
  wipe_string(plain);
  return hash.finish();
}

Error no_such_code() { return Error(ErrorCode::NotFound, "no address of this account waits for that code, or its time is over"); }

}  // namespace

Result<bool> AddressProofs::is_proven(const store::UserRecord& user) const {
  const auto waiting = directory_.find_confirmation(user.account, store::ConfirmationKind::User, user.email);
  if (!waiting) return waiting.error();
  return !waiting->has_value();
}

Result<bool> AddressProofs::has_proven_user(const AccountId& account) const {
  const auto users = directory_.list_users(account);
  if (!users) return users.error();
  for (const store::UserRecord& user : *users) {
    const auto proven = is_proven(user);
    if (!proven || *proven) return proven;
  }
  return false;
}

bool AddressProofs::may_mail(const std::string& address, Instant now) {
  const Instant today = std::chrono::floor<std::chrono::days>(now);
  const std::lock_guard lock(mutex_);
  Day& day = mailed_.touch(address).first;
  if (day.begin != today) day = {today, 0};
  const bool may = day.mails < kMaxProofMailsToAddress;
  if (may) ++day.mails;
  mailed_.shrink_to(kMaxAddressesRemembered);
  return may;
}

Result<void> AddressProofs::ask(const store::AccountRecord& account, store::ConfirmationKind kind,
                                std::string_view normalised_address) {
  if (kind == store::ConfirmationKind::Whitelist) {
    const auto proven = has_proven_user(account.id);
    if (!proven) return proven.error();
    if (!*proven) return Error(ErrorCode::Conflict, "confirm your own e-mail address first: a code was mailed to it");
  }
  const Instant now = clock_.now();
  ProofMail mail{.confirmation = {.account = account.id,
                                  .kind = kind,
                                  .address = std::string(normalised_address),
                                  .code_digest = {},
                                  .asked = now,
                                  .expires_at = now + kProofLifetime},
                 .account_name = account.name,
                 .code = make_code(random_)};
  mail.confirmation.code_digest = digest_of_code(mail.code.reveal());
  const std::string limit = std::to_string(rules_.mails_per_day);
  const Result<void> written = directory_.write([&](store::DirectoryWriter& writer) -> Result<void> {
    const auto sent = writer.counter(account.id, store::CounterPeriod::WhitelistDay, now);
    if (!sent) return sent.error();
    if (*sent >= rules_.mails_per_day) {
      return Error(ErrorCode::LimitExceeded, "this account may ask " + limit + " addresses a day (UTC): try again tomorrow");
    }
    if (auto added = writer.add_to_counter(account.id, store::CounterPeriod::WhitelistDay, now, 1); !added) return added.error();
    return writer.put_confirmation(mail.confirmation);
  });
  if (!written) return written.error();
  if (!may_mail(mail.confirmation.address, now)) {
    return Error(ErrorCode::LimitExceeded, "that address was asked often enough today: try again tomorrow");
  }
  return send_(mail);
}

Result<store::Confirmation> AddressProofs::find(const AccountId& account, std::string_view code) const {
  const auto waiting = list_waiting(account);
  if (!waiting) return waiting.error();
  const auto found = std::ranges::find(*waiting, digest_of_code(code), &store::Confirmation::code_digest);
  if (found == waiting->end()) return no_such_code();
  return *found;
}

Result<store::Confirmation> AddressProofs::confirm(const AccountId& account, std::string_view code) {
  auto found = find(account, code);
  if (!found) return found.error();
  const Instant now = clock_.now();
  const Result<void> written = directory_.write([&](store::DirectoryWriter& writer) -> Result<void> {
    const auto current = writer.find_confirmation(account, found->kind, found->address);
    if (!current) return current.error();
    if (!*current || (*current)->code_digest != found->code_digest) return no_such_code();
    if (auto removed = writer.remove_confirmation(account, found->kind, found->address); !removed) return removed.error();
    return writer.add_to_whitelist(account, {found->address, now});
  });
  if (!written) return written.error();
  return found;
}

Result<std::vector<store::Confirmation>> AddressProofs::list_waiting(const AccountId& account) const {
  auto all = directory_.list_confirmations(account);
  if (!all) return all.error();
  const Instant now = clock_.now();
  std::erase_if(*all, [now](const store::Confirmation& confirmation) { return confirmation.expires_at <= now; });
  return all;
}

Result<void> AddressProofs::forget(const AccountId& account, std::string_view normalised_address) {
  return directory_.write([&](store::DirectoryWriter& writer) -> Result<void> {
    return writer.remove_confirmation(account, store::ConfirmationKind::Whitelist, normalised_address);
  });
}

}  // namespace postern::auth
