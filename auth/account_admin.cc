#include "auth/account_admin.h"

#include "auth/permission.h"
#include "core/bytes.h"
#include "core/mailbox.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

namespace postern::auth {
namespace {

constexpr std::chrono::milliseconds kBetweenSlices{5};  // a server that writes as well looks every millisecond whether it may

struct NamedPlan {
  std::string_view name;
  std::optional<std::uint32_t> per_second;
};
constexpr std::array<NamedPlan, 4> kPlans = {
    {{"starter", 10}, {"growth", 100}, {"scale", 1'000}, {"unlimited", std::nullopt}}};

Error no_such_account() { return Error(ErrorCode::NotFound, "there is no such account"); }

Result<Mailbox> read_mailbox(std::string_view text) {
  Result<Mailbox> mailbox = parse_mailbox(text);
  if (!mailbox) return Error(ErrorCode::InvalidArgument, mailbox.error().context());
  return mailbox;
}

}  // namespace

Result<void> check_name(std::string_view name) {
  const bool has_control = std::any_of(name.begin(), name.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
  });
  const bool is_printable = !has_control && is_valid_utf8(name) && !has_deceptive_code_point(name);
  const bool is_fitting = !name.empty() && name.size() <= kMaxNameOctets && trim_ascii_space(name) == name;
  if (is_printable && is_fitting) return {};
  return Error(ErrorCode::InvalidArgument, "a name has 1 to 64 printable characters and no blank at either end");
}

std::optional<store::Plan> plan_named(std::string_view name) {
  for (const NamedPlan& plan : kPlans) {
    if (plan.name == name) return store::Plan{std::string(name), plan.per_second, std::nullopt, std::nullopt};
  }
  return std::nullopt;
}

Result<store::AccountRecord> AccountAdmin::draft(const NewAccount& wanted) {
  if (const auto valid = check_name(wanted.name); !valid) return valid.error();
  store::AccountRecord record;
  record.id = make_account_id(random_);
  record.name = wanted.name;
  record.mode = wanted.mode;
  record.plan = wanted.plan;
  auto domains = read_from_domains(wanted.from_domains);
  if (!domains) return domains.error();
  record.from_domains = std::move(*domains);
  record.created = clock_.now();
  return record;
}

Result<store::AccountRecord> AccountAdmin::create(const NewAccount& wanted) {
  Result<store::AccountRecord> record = draft(wanted);
  if (!record) return record.error();
  const Result<void> written =
      directory_.write([&](store::DirectoryWriter& writer) -> Result<void> { return writer.put_account(*record); });
  if (written) return record;
  if (written.error().code() == ErrorCode::AlreadyExists) {
    return Error(ErrorCode::AlreadyExists, "an account of that name exists: " + wanted.name);
  }
  return written.error();
}

Result<void> AccountAdmin::change(const AccountId& id, const std::function<void(store::AccountRecord&)>& edit) {
  return directory_.write([&](store::DirectoryWriter& writer) -> Result<void> {
    auto found = writer.find_account(id);
    if (!found) return found.error();
    if (!*found) return no_such_account();
    edit(**found);
    return writer.put_account(**found);
  });
}

Result<void> AccountAdmin::set_mode(const AccountId& id, AccountMode mode) {
  return change(id, [mode](store::AccountRecord& account) { account.mode = mode; });
}

Result<void> AccountAdmin::set_state(const AccountId& id, store::AccountState state) {
  return change(id, [state](store::AccountRecord& account) { account.state = state; });
}

Result<void> AccountAdmin::set_plan(const AccountId& id, const store::Plan& plan) {
  return change(id, [&plan](store::AccountRecord& account) { account.plan = plan; });
}

Result<void> AccountAdmin::set_from_domains(const AccountId& id, const std::vector<std::string>& domains) {
  const auto read = read_from_domains(domains);
  if (!read) return read.error();
  return change(id, [&](store::AccountRecord& account) { account.from_domains = *read; });
}

Result<void> AccountAdmin::set_auto_suppression(const AccountId& id, store::AutoSuppression suppression, std::uint32_t days) {
  if (days > kMaxSuppressionDays) {
    return Error(ErrorCode::InvalidArgument, "an address is suppressed for 1 to 3650 days, or for good");
  }
  return change(id, [&](store::AccountRecord& account) {
    account.auto_suppression = suppression;
    account.suppression_days = days;
  });
}

Result<void> AccountAdmin::set_blind_copy(const AccountId& id, std::string_view address) {
  const auto mailbox = address.empty() ? Result<Mailbox>(Mailbox()) : parse_mailbox(address);
  if (!mailbox) return Error(ErrorCode::InvalidArgument, "not an e-mail address: " + escape_for_log(address));
  return change(id, [&](store::AccountRecord& account) {
    account.blind_copy_to = address.empty() ? std::string() : format_mailbox(*mailbox);
  });
}

Result<void> AccountAdmin::remove(const AccountId& id) {
  const Result<void> removed = directory_.write([&](store::DirectoryWriter& writer) -> Result<void> {
    const auto found = writer.find_account(id);
    if (!found) return found.error();
    if (!*found) return no_such_account();
    return writer.remove_account(id);
  });
  if (!removed) return removed;
  // The account is gone: where this fails, the server goes on with it.
  for (Result<bool> has_more = directory_.remove_leftovers(); has_more && *has_more; has_more = directory_.remove_leftovers()) {
    std::this_thread::sleep_for(kBetweenSlices);
  }
  return {};
}

Result<std::string> AccountAdmin::allow(const AccountId& id, std::string_view address) {
  const Result<Mailbox> mailbox = read_mailbox(address);
  if (!mailbox) return mailbox.error();
  std::string normalised = normalised_mailbox(*mailbox);
  const Result<void> written = directory_.write([&](store::DirectoryWriter& writer) -> Result<void> {
    const auto found = writer.find_account(id);
    if (!found) return found.error();
    if (!*found) return no_such_account();
    return writer.add_to_whitelist(id, {normalised, clock_.now()});
  });
  if (!written) return written.error();
  return normalised;
}

Result<void> AccountAdmin::disallow(const AccountId& id, std::string_view address) {
  const Result<Mailbox> mailbox = read_mailbox(address);
  if (!mailbox) return mailbox.error();
  return directory_.write([&](store::DirectoryWriter& writer) -> Result<void> {
    return writer.remove_from_whitelist(id, normalised_mailbox(*mailbox));
  });
}

}  // namespace postern::auth
