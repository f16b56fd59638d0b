#include "auth/user_admin.h"

#include "auth/password.h"
#include "core/log.h"
#include "core/mailbox.h"

#include <optional>

namespace postern::auth {
namespace {

Error no_such_user() { return Error(ErrorCode::NotFound, "there is no such user"); }
Error address_taken() { return Error(ErrorCode::AlreadyExists, "there is a user of that address"); }

Result<std::string> check_email(std::string_view email) {
  const Result<Mailbox> mailbox = parse_mailbox(email);
  if (!mailbox || mailbox->domain.empty() || mailbox->is_address_literal()) {
    return Error(ErrorCode::InvalidArgument, "not an e-mail address: write name@example.org");
  }
  return normalised_mailbox(*mailbox);
}

Result<void> check_password(const Secret& password) {
  const std::size_t octets = password.reveal().size();  // its length only
  if (octets >= kMinPasswordOctets && octets <= kMaxPasswordOctets) return {};
  return Error(ErrorCode::InvalidArgument, "a password has " + std::to_string(kMinPasswordOctets) + " to " +
                                               std::to_string(kMaxPasswordOctets) + " characters");
}

}  // namespace

Result<store::UserRecord> UserAdmin::draft(const AccountId& account, std::string_view email, const Secret& password) {
  Result<std::string> address = check_email(email);
  if (!address) return address.error();
  if (const auto valid = check_password(password); !valid) return valid.error();
  const auto namesake = directory_.find_user_by_email(*address);
  if (!namesake) return namesake.error();
  if (*namesake) return address_taken();
  Result<std::string> hash = hash_password(password, random_);
  if (!hash) return hash.error();
  return store::UserRecord{.id = make_user_id(random_),
                           .account = account,
                           .email = std::move(*address),
                           .password_hash = std::move(*hash),
                           .created = clock_.now(),
                           .ended_sessions = {},
                           .sessions_from = {},
                           .is_operator = false};
}

Result<store::UserRecord> UserAdmin::sign_up(std::string_view email, const Secret& password, const store::Plan& plan) {
  Result<store::UserRecord> user = draft({}, email, password);
  if (!user) return user.error();
  NewAccount wanted;
  wanted.name = user->email;
  wanted.plan = plan;
  Result<store::AccountRecord> account = accounts_.draft(wanted);
  if (!account) {  // an address may be longer than a name
    wanted.name = format_id(user->id);
    account = accounts_.draft(wanted);
  }
  if (!account) return account.error();
  account->is_self_made = true;
  user->account = account->id;
  const Result<void> written = directory_.write([&](store::DirectoryWriter& writer) -> Result<void> {
    Result<void> put = writer.put_account(*account);
    if (!put && put.error().code() == ErrorCode::AlreadyExists) {
      account->name = format_id(account->id);  // somebody else's account is called like the address
      put = writer.put_account(*account);
    }
    if (!put) return put.error();
    return writer.put_user(*user);
  });
  if (written) return user;
  return written.error().code() == ErrorCode::AlreadyExists ? address_taken() : written.error();
}

Result<store::UserRecord> UserAdmin::create(const AccountId& account, std::string_view email, const Secret& password, Role role) {
  const auto colleagues = directory_.list_users(account);
  if (!colleagues) return colleagues.error();
  if (colleagues->size() >= store::kMaxUsersPerAccount) {
    return Error(ErrorCode::LimitExceeded, "an account has at most " + std::to_string(store::kMaxUsersPerAccount) + " users");
  }
  Result<store::UserRecord> user = draft(account, email, password);
  if (!user) return user.error();
  user->is_operator = role == Role::Operator;
  const Result<void> written =
      directory_.write([&](store::DirectoryWriter& writer) -> Result<void> { return writer.put_user(*user); });
  if (written) return *user;
  switch (written.error().code()) {
    case ErrorCode::AlreadyExists: return address_taken();
    case ErrorCode::NotFound: return Error(ErrorCode::NotFound, "there is no such account");
    default: return written.error();
  }
}

Result<store::UserRecord> UserAdmin::sign_in(std::string_view email, const Secret& password) {
  const Error refused(ErrorCode::NotFound, "no user has that address and that password");
  std::optional<store::UserRecord> user;
  if (const auto address = check_email(email)) {
    auto found = directory_.find_user_by_email(*address);
    if (!found) return found.error();
    user = std::move(*found);
  }
  if (!user) {
    spend_password_work(password);
    return refused;
  }
  if (!verify_password(user->password_hash, password)) return refused;
  if (!has_current_costs(user->password_hash)) renew_hash(*user, password);
  return std::move(*user);
}

Result<void> UserAdmin::sign_out(const SessionClaims& session) {
  return change(session.user, [&](store::UserRecord& user) { end_session(user, session, clock_.now()); });
}

void UserAdmin::renew_hash(store::UserRecord& user, const Secret& password) {
  const Result<std::string> hash = hash_password(password, random_);
  bool is_same_password = false;
  const Result<void> changed = !hash ? Result<void>(hash.error()) : change(user.id, [&](store::UserRecord& current) {
    is_same_password = current.password_hash == user.password_hash;
    if (is_same_password) current.password_hash = *hash;
  });
  if (changed && is_same_password) user.password_hash = *hash;
  // The old hash still verifies: the next sign-in tries again.
  if (!changed) log::write(log::Level::Warning, "password_not_rehashed", {{"reason", changed.error().message()}});
}

Result<store::UserRecord> UserAdmin::find(std::string_view email_or_id) const {
  const auto id = parse_user_id(email_or_id);
  const auto address = id ? Result<std::string>(std::string()) : check_email(email_or_id);
  if (!address) return address.error();
  auto user = id ? directory_.find_user(*id) : directory_.find_user_by_email(*address);
  if (!user) return user.error();
  if (!*user) return no_such_user();
  return std::move(**user);
}

Result<void> UserAdmin::change(const UserId& id, const std::function<void(store::UserRecord&)>& edit) {
  return directory_.write([&](store::DirectoryWriter& writer) -> Result<void> {
    auto user = writer.find_user(id);
    if (!user) return user.error();
    if (!*user) return no_such_user();
    edit(**user);
    return writer.put_user(**user);
  });
}

Result<void> UserAdmin::set_password(const UserId& id, const Secret& password) {
  if (const auto valid = check_password(password); !valid) return valid.error();
  const Result<std::string> hash = hash_password(password, random_);
  if (!hash) return hash.error();
  return directory_.write([&](store::DirectoryWriter& writer) -> Result<void> {
    auto user = writer.find_user(id);
    if (!user) return user.error();
    if (!*user) return no_such_user();
    const auto sessions = writer.list_sessions((*user)->account);
    if (!sessions) return sessions.error();
    for (const store::SessionRecord& session : *sessions) {
      if (session.user != id) continue;
      if (auto removed = writer.remove_session(session.id); !removed) return removed;
    }
    (*user)->password_hash = *hash;
    if (auto put = writer.put_user(**user); !put) return put;
    return writer.note_password_change(**user);
  });
}

Result<void> UserAdmin::set_role(const UserId& id, Role role) {
  return change(id, [&](store::UserRecord& user) { user.is_operator = role == Role::Operator; });
}

Result<void> UserAdmin::remove(const UserId& id) {
  return directory_.write([&](store::DirectoryWriter& writer) -> Result<void> {
    const auto user = writer.find_user(id);
    if (!user) return user.error();
    if (!*user) return no_such_user();
    return writer.remove_user(id);
  });
}

}  // namespace postern::auth
