// postern key … A key's text is printed once, when it is made, and nowhere else.
#include "app/commands.h"

#include "api/record_json.h"
#include "app/config_values.h"
#include "auth/key_admin.h"
#include "auth/permission.h"
#include "core/bytes.h"
#include "core/time_format.h"

#include <limits>

namespace postern::app {
namespace {

// As HTTP shows it, and whose it is.
Result<json::object> key_value(CommandContext& context, const store::KeyRecord& key) {
  const auto usage = context.directory().find_key_usage(key.id);
  if (!usage) return usage.error();
  const auto refusal = context.directory().find_key_refusal(key.id);
  if (!refusal) return refusal.error();
  json::object value = api::key_json(key, *usage, *refusal, context.clock().now());
  value["account"] = context.account_name(key.account);
  return value;
}

// "30d" from now, or a date.
Result<std::optional<Instant>> parse_expiry(std::string_view text, Instant now) {
  if (text.empty() || text == "never") return std::optional<Instant>();
  if (const auto duration = parse_duration(text)) return std::optional<Instant>(now + *duration);
  if (const auto instant = parse_rfc3339(text)) return std::optional<Instant>(*instant);
  return Error(ErrorCode::InvalidArgument, "not an expiry: " + printable(text) + "; write 30d, 2027-01-31 or never");
}

Result<store::Permission> read_permission(std::string_view text) {
  if (const auto permission = auth::parse_permission(text)) return *permission;
  return Error(ErrorCode::InvalidArgument, "not a permission: " + printable(text) + "; full_access or sending_access");
}

Result<auth::NewKey> make_new_key(CommandContext& context, const KeyCreateOptions& options) {
  if (options.is_test == options.is_live && context.settings().key_has_environment) {
    return Error(ErrorCode::InvalidArgument, "say --test (simulates everything) or --live (relays)");
  }
  const auto permission = read_permission(options.permission);
  if (!permission) return permission.error();
  const auto expires_at = parse_expiry(options.expires, context.clock().now());
  if (!expires_at) return expires_at.error();
  return auth::NewKey{.name = options.name,
                      .environment = options.is_test ? Environment::Test : Environment::Live,
                      .permission = *permission,
                      .from_domains = options.from_domains,
                      .networks = options.networks,
                      .expires_at = *expires_at,
                      .per_second = options.per_second};
}

void print_created(CommandContext& context, const auth::CreatedKey& created, bool is_quiet) {
  const std::string text(created.text.reveal());  // the one time that it is shown
  json::object value = api::key_json(created.record, std::nullopt, std::nullopt, context.clock().now());
  value["account"] = context.account_name(created.record.account);
  value["token"] = text;
  if (is_quiet && !context.as_json()) {
    context.out() << text << "\n";
    return;
  }
  context.print(value, format_facts({{"key", text},
                                     {"id", format_id(created.record.id)},
                                     {"name", created.record.name},
                                     {"environment", std::string(environment_name(created.record.environment))},
                                     {"expires", created.record.expires_at ? format_time(created.record.expires_at) : "never"}}) +
                           "Keep it now: it cannot be shown again.\n");
}

using KeyChange = std::function<Result<void>(auth::KeyAdmin&, const KeyId&)>;

Result<void> change_key(CommandContext& context, const std::string& text, std::string_view done, const KeyChange& change) {
  const auto key = context.find_key(text);
  if (!key) return key.error();
  const auto scheme = make_key_scheme(context.settings());
  auth::KeyAdmin admin(context.directory(), scheme, context.clock(), context.random());
  if (const auto changed = change(admin, key->id); !changed) return changed.error();
  return confirm_in_force(context, {{"id", format_id(key->id)}, {"name", key->name}, {"done", done}},
                          "key " + printable(key->name) + " (" + format_id(key->id) + "): " + std::string(done));
}

Result<std::vector<store::KeyRecord>> collect_keys(CommandContext& context, const std::string& name) {
  if (!name.empty()) {
    const auto account = context.find_account(name);
    if (!account) return account.error();
    return context.directory().list_keys(account->id);
  }
  const auto accounts = context.directory().list_accounts();
  if (!accounts) return accounts.error();
  std::vector<store::KeyRecord> all;
  for (const auto& account : *accounts) {
    const auto keys = context.directory().list_keys(account.id);
    if (!keys) return keys.error();
    all.insert(all.end(), keys->begin(), keys->end());
  }
  return all;
}

std::string networks_text(const store::KeyRecord& key) {
  std::string text;
  for (const auto& network : key.networks) text += (text.empty() ? "" : ", ") + format_ip_network(network);
  return text.empty() ? "any" : text;
}

std::string domains_text(const store::KeyRecord& key) {
  std::string text;
  for (const auto& domain : key.from_domains) text += (text.empty() ? "" : ", ") + domain;
  return text.empty() ? "the account's" : text;
}

std::string refusal_text(const store::KeyRefusal& refusal) {
  return format_time(refusal.use.at) + " from " + format_ip_address(refusal.use.address) + " as " + refusal.use.helo_name + ": " +
         refusal.reason;
}

Result<auth::KeyChanges> read_key_changes(const KeySetOptions& options) {
  auth::KeyChanges changes;
  if (!options.name.empty()) changes.name = options.name;
  if (!options.permission.empty()) {
    const auto permission = read_permission(options.permission);
    if (!permission) return permission.error();
    changes.permission = *permission;
  }
  if (!options.from_domains.empty() || options.is_any_domain) changes.from_domains = options.from_domains;
  if (!options.networks.empty() || options.is_any_network) changes.networks = options.networks;
  if (options.per_second == "plan") changes.per_second = std::optional<std::uint32_t>();
  if (!options.per_second.empty() && options.per_second != "plan") {
    const auto rate = parse_unsigned(options.per_second);
    if (!rate || *rate > std::numeric_limits<std::uint32_t>::max()) {
      return Error(ErrorCode::InvalidArgument, "not a rate: " + printable(options.per_second) + "; write a number, or plan");
    }
    changes.per_second = static_cast<std::uint32_t>(*rate);
  }
  const bool is_nothing = !changes.name && !changes.permission && !changes.from_domains && !changes.networks && !changes.per_second;
  if (is_nothing) return Error(ErrorCode::InvalidArgument, "say what is to change");
  return changes;
}

std::string policy_text(const store::KeyRecord& key) {
  return key.name + ", " + std::string(auth::permission_name(key.permission)) + ", From domains " + domains_text(key) +
         ", networks " + networks_text(key) + ", " +
         (key.per_second ? std::to_string(*key.per_second) + " messages a second" : "the plan's rate");
}

}  // namespace

Result<void> set_key(CommandContext& context, const KeySetOptions& options) {
  const auto changes = read_key_changes(options);
  if (!changes) return changes.error();
  const auto before = context.find_key(options.key);
  if (!before) return before.error();
  const auto scheme = make_key_scheme(context.settings());
  auth::KeyAdmin admin(context.directory(), scheme, context.clock(), context.random());
  if (const auto changed = admin.update(before->id, *changes); !changed) return changed.error();
  const auto after = context.directory().find_key(before->id);
  if (!after) return after.error();
  if (!*after) return Error(ErrorCode::NotFound, "the key was deleted meanwhile");
  const auto was = key_value(context, *before);
  if (!was) return was.error();
  const auto is = key_value(context, (*after)->key);
  if (!is) return is.error();
  context.print(json::object{{"before", *was}, {"after", *is}},
                "key " + format_id(before->id) + " was: " + printable(policy_text(*before)) + "\n" + "key " +
                    format_id(before->id) + " is now: " + printable(policy_text((*after)->key)) + "\n");
  return {};
}

Result<void> create_key(CommandContext& context, const KeyCreateOptions& options) {
  const auto account = context.find_account(options.account);
  if (!account) return account.error();
  const auto wanted = make_new_key(context, options);
  if (!wanted) return wanted.error();
  const auto scheme = make_key_scheme(context.settings());
  auth::KeyAdmin admin(context.directory(), scheme, context.clock(), context.random());
  const auto created = admin.create(account->id, *wanted);
  if (!created) return created.error();
  print_created(context, *created, options.is_quiet);
  return {};
}

Result<void> list_keys(CommandContext& context, const std::string& account) {
  const auto keys = collect_keys(context, account);
  if (!keys) return keys.error();
  json::array values;
  std::vector<std::vector<std::string>> rows;
  for (const auto& key : *keys) {
    const auto usage = context.directory().find_key_usage(key.id);
    if (!usage) return usage.error();
    const auto last_used = *usage ? std::optional((*usage)->at) : std::nullopt;
    auto value = key_value(context, key);
    if (!value) return value.error();
    values.emplace_back(std::move(*value));
    rows.push_back({context.account_name(key.account), key.name, key.prefix + "…", std::string(environment_name(key.environment)),
                    std::string(auth::permission_name(key.permission)),
                    std::string(auth::key_state_name(auth::key_state(key, context.clock().now()))), format_time(key.expires_at),
                    format_time(last_used), format_id(key.id)});
  }
  const std::vector<std::string> titles = {"ACCOUNT", "NAME", "KEY", "ENV", "PERMISSION",
                                           "STATE", "EXPIRES (UTC)", "LAST USED", "ID"};
  context.print(values, format_table(titles, rows));
  return {};
}

Result<void> show_key(CommandContext& context, const std::string& text) {
  const auto key = context.find_key(text);
  if (!key) return key.error();
  const auto usage = context.directory().find_key_usage(key->id);
  if (!usage) return usage.error();
  const auto refusal = context.directory().find_key_refusal(key->id);
  if (!refusal) return refusal.error();
  auto value = key_value(context, *key);
  if (!value) return value.error();
  (*value)["last_used_client"] = *usage ? json::value((*usage)->helo_name) : json::value();
  const std::string last = *usage ? format_time((*usage)->at) + " from " + format_ip_address((*usage)->address) + " as " +
                                        (*usage)->helo_name
                                  : "never";
  context.print(*value, format_facts({{"id", format_id(key->id)},
                                     {"account", context.account_name(key->account)},
                                     {"name", key->name},
                                     {"key", key->prefix + "…"},
                                     {"environment", std::string(environment_name(key->environment))},
                                     {"permission", std::string(auth::permission_name(key->permission))},
                                     {"state", std::string(auth::key_state_name(auth::key_state(*key, context.clock().now())))},
                                     {"From domains", domains_text(*key)},
                                     {"networks", networks_text(*key)},
                                     {"messages a second", key->per_second ? std::to_string(*key->per_second) : "the plan's"},
                                     {"created", format_time(key->created)},
                                     {"expires", key->expires_at ? format_time(key->expires_at) : "never"},
                                     {"revoked", format_time(key->revoked_at)},
                                     {"retires", format_time(key->retires_at)},
                                     {"successor", key->successor ? format_id(*key->successor) : "-"},
                                     {"last used", last},
                                     {"last refused", *refusal ? refusal_text(**refusal) : "never"}}));
  return {};
}

Result<void> revoke_key(CommandContext& context, const std::string& text, bool is_here) {
  if (!is_here || context.cluster() == nullptr) {
    return change_key(context, text, "revoked", [](auth::KeyAdmin& admin, const KeyId& id) { return admin.revoke(id); });
  }
  const auto key = context.find_key(text);
  if (!key) return key.error();
  store::Replica replica(context.directory());
  const auto revoke = [&](store::DirectoryWriter& writer) -> Result<void> {
    store::KeyRecord revoked = *key;
    if (!revoked.revoked_at) revoked.revoked_at = context.clock().now();
    return writer.put_key(revoked);
  };
  const auto rows = replica.propose(revoke, acting_person());
  if (!rows) return rows.error();
  if (const auto held = replica.hold(*rows); !held) return held;
  context.confirm({{"id", format_id(key->id)}, {"name", key->name}, {"done", "revoked"}},
                  "key " + printable(key->name) + " (" + format_id(key->id) +
                      "): revoked on this node; the server tells the others as soon as the cluster's database answers");
  return {};
}

Result<void> set_key_expiry(CommandContext& context, const std::string& key, const std::string& when) {
  const auto expires_at = parse_expiry(when, context.clock().now());
  if (!expires_at) return expires_at.error();
  const std::string done = *expires_at ? "expires " + format_time(*expires_at) + " UTC" : "never expires";
  return change_key(context, key, done, [&](auth::KeyAdmin& admin, const KeyId& id) { return admin.set_expiry(id, *expires_at); });
}

Result<void> rotate_key(CommandContext& context, const KeyRotateOptions& options) {
  const auto key = context.find_key(options.key);
  if (!key) return key.error();
  const auto overlap = options.overlap == "0" ? Result<Duration>(Duration(0)) : parse_duration(options.overlap);
  if (!overlap) {
    return Error(ErrorCode::InvalidArgument, "not an overlap: " + printable(options.overlap) + "; write 24h, 30m or 0");
  }
  const auto scheme = make_key_scheme(context.settings());
  auth::KeyAdmin admin(context.directory(), scheme, context.clock(), context.random());
  const auto created = admin.rotate(key->id, *overlap);
  if (!created) return created.error();
  print_created(context, *created, options.is_quiet);
  return {};
}

Result<void> delete_key(CommandContext& context, const std::string& key) {
  return change_key(context, key, "deleted", [](auth::KeyAdmin& admin, const KeyId& id) { return admin.remove(id); });
}

}  // namespace postern::app
