// postern user … People who manage an account over HTTP.
#include "app/commands.h"

#include "api/record_json.h"
#include "app/password_input.h"
#include "auth/user_admin.h"

namespace postern::app {
namespace {

json::object user_value(CommandContext& context, const store::UserRecord& user) {
  json::object value = api::member_json(user);
  value["account"] = context.account_name(user.account);
  return value;
}

using UserChange = std::function<Result<void>(auth::UserAdmin&, const store::UserRecord&)>;

Result<void> change_user(CommandContext& context, const std::string& text, std::string_view done, const UserChange& change) {
  auth::AccountAdmin accounts(context.directory(), context.clock(), context.random());
  auth::UserAdmin admin(context.directory(), accounts, context.clock(), context.random());
  const auto user = admin.find(text);
  if (!user) {
    const bool is_nobody = user.error().code() == ErrorCode::NotFound || user.error().code() == ErrorCode::InvalidArgument;
    return is_nobody ? Error(ErrorCode::NotFound, "there is no user " + printable(text)) : user.error();
  }
  if (const auto changed = change(admin, *user); !changed) return changed.error();
  context.confirm({{"id", format_id(user->id)}, {"email", user->email}, {"done", done}},
                  "user " + printable(user->email) + ": " + std::string(done));
  return {};
}

Result<std::vector<store::UserRecord>> collect_users(CommandContext& context, const std::string& name) {
  if (!name.empty()) {
    const auto account = context.find_account(name);
    if (!account) return account.error();
    return context.directory().list_users(account->id);
  }
  const auto accounts = context.directory().list_accounts();
  if (!accounts) return accounts.error();
  std::vector<store::UserRecord> all;
  for (const auto& account : *accounts) {
    const auto users = context.directory().list_users(account.id);
    if (!users) return users.error();
    all.insert(all.end(), users->begin(), users->end());
  }
  return all;
}

}  // namespace

Result<void> create_user(CommandContext& context, const NewUserOptions& options) {
  const auto owner = context.find_account(options.account);
  if (!owner) return owner.error();
  const auto password = ask_for_password(context.err());
  if (!password) return password.error();
  auth::AccountAdmin accounts(context.directory(), context.clock(), context.random());
  auth::UserAdmin admin(context.directory(), accounts, context.clock(), context.random());
  const auto role = options.is_operator ? auth::UserAdmin::Role::Operator : auth::UserAdmin::Role::Member;
  const auto user = admin.create(owner->id, options.email, *password, role);
  if (!user) return user.error();
  context.print(user_value(context, *user), "user " + printable(user->email) + " created (" + format_id(user->id) + ", account " +
                                                printable(owner->name) + ")\n");
  return {};
}

Result<void> list_users(CommandContext& context, const std::string& account) {
  const auto users = collect_users(context, account);
  if (!users) return users.error();
  json::array values;
  std::vector<std::vector<std::string>> rows;
  for (const auto& user : *users) {
    values.emplace_back(user_value(context, user));
    rows.push_back({context.account_name(user.account), user.email, user.is_operator ? "operator" : "member",
                    format_time(user.created), format_id(user.id)});
  }
  context.print(values, format_table({"ACCOUNT", "EMAIL", "ROLE", "CREATED (UTC)", "ID"}, rows));
  return {};
}

Result<void> set_user_password(CommandContext& context, const std::string& text) {
  return change_user(context, text, "password changed", [&](auth::UserAdmin& admin, const store::UserRecord& user) -> Result<void> {
    const auto password = ask_for_password(context.err());
    if (!password) return password.error();
    return admin.set_password(user.id, *password);
  });
}

Result<void> delete_user(CommandContext& context, const std::string& text) {
  return change_user(context, text, "deleted",
                     [](auth::UserAdmin& admin, const store::UserRecord& user) { return admin.remove(user.id); });
}

}  // namespace postern::app
