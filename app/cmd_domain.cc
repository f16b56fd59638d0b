// postern domain … Only `verify` asks the DNS.
#include "app/commands.h"

#include "api/record_json.h"
#include "app/config_values.h"
#include "core/mailbox.h"
#include "core/secret.h"
#include "domains/dkim_keys.h"
#include "domains/domain_admin.h"
#include "domains/inbound_routes.h"
#include "domains/domain_records.h"
#include "domains/key_seal.h"

#include <algorithm>
#include <fstream>
#include <iostream>

namespace postern::app {
namespace {

using store::DomainRecord;

constexpr std::size_t kMaxKeyFileOctets = 64 << 10;

// For the commands that look nothing up: they work where /etc/resolv.conf does not.
class NoResolver final : public dns::Resolver {
 public:
  void start(dns::Question, Done done) override { done({}); }
};

domains::DomainAdmin make_admin(CommandContext& context, dns::Resolver& resolver) {
  const auto seal = [&context](store::DomainRecord& domain) -> Result<void> {
    const auto opened = domains::KeySeal::open(seal_file(context.settings()), context.random());
    if (!opened) return opened.error();
    return opened->seal(domain, context.random());
  };
  return {context.directory(), resolver, context.clock(), context.random(),
          {.spf = make_spf_mechanisms(context.settings()), .seal = seal}};
}

// Of one account, or of all where `name` is empty.
Result<std::vector<DomainRecord>> collect_domains(CommandContext& context, const std::string& name) {
  std::vector<store::AccountRecord> accounts;
  if (!name.empty()) {
    const auto account = context.find_account(name);
    if (!account) return account.error();
    accounts.push_back(*account);
  } else {
    auto all = context.directory().list_accounts();
    if (!all) return all.error();
    accounts = std::move(*all);
  }
  NoResolver no_resolver;
  const domains::DomainAdmin admin = make_admin(context, no_resolver);
  std::vector<DomainRecord> domains;
  for (const auto& account : accounts) {
    auto of_account = admin.list(account.id);
    if (!of_account) return of_account.error();
    std::ranges::move(*of_account, std::back_inserter(domains));
  }
  return domains;
}

std::string finding_of(const DomainRecord& domain, const std::string& purpose) {
  const auto check = std::ranges::find(domain.checks, purpose, &store::DomainCheck::name);
  return check == domain.checks.end() ? "" : check->finding;
}

json::object domain_value(CommandContext& context, const DomainRecord& domain) {
  json::object value = api::domain_json(domain);
  value["account"] = context.account_name(domain.account);
  value["checked_at"] = api::instant_json(domain.checked_at);
  value["verified_at"] = api::instant_json(domain.verified_at);
  return value;
}

// As HTTP shows them, and by which word this program knows them.
json::array record_values(const DomainRecord& domain, const std::vector<domains::DnsRecordToPublish>& records) {
  json::array values = api::dns_records_json(domain, records);
  for (std::size_t i = 0; i < records.size(); ++i) values[i].get_object()["purpose"] = records[i].purpose;
  return values;
}

std::vector<domains::DnsRecordToPublish> records_of(CommandContext& context, const DomainRecord& domain) {
  return domains::records_to_publish(domain, make_spf_mechanisms(context.settings()));
}

std::string zone_text(const std::vector<domains::DnsRecordToPublish>& records) {
  std::string text;
  for (const auto& record : records) text += domains::zone_line(record) + "\n";
  return text;
}

void print_domain(CommandContext& context, const DomainRecord& domain) {
  const auto records = records_of(context, domain);
  json::object value = domain_value(context, domain);
  value["records"] = record_values(domain, records);
  std::vector<std::vector<std::string>> rows;
  rows.reserve(records.size());
  for (const auto& record : records) {
    const std::string finding = finding_of(domain, record.purpose);
    rows.push_back({record.purpose, record.type, record.name, record.is_required ? "required" : "advised",
                    std::string(domains::record_status(domain, record)), finding.empty() ? record.note : finding});
  }
  context.print(value, format_facts({{"id", format_id(domain.id)},
                                     {"account", context.account_name(domain.account)},
                                     {"name", domain.name},
                                     {"status", std::string(domains::domain_status(domain))},
                                     {"created", format_time(domain.created)},
                                     {"looked up", format_time(domain.checked_at)},
                                     {"verified", format_time(domain.verified_at)}}) +
                           "\n" + format_table({"RECORD", "TYPE", "NAME", "NEEDED", "STATUS", "FINDING"}, rows));
}

// After a change of keys: every record of one, so that nobody takes away what is still needed.
void print_keys_to_publish(CommandContext& context, const DomainRecord& domain) {
  auto records = records_of(context, domain);
  json::object value = domain_value(context, domain);
  value["records"] = record_values(domain, records);
  std::erase_if(records, [](const auto& record) { return !record.purpose.starts_with("dkim-"); });
  std::string text;
  for (const auto& record : records) {
    text += domains::zone_line(record) + (record.note.empty() ? "" : "  ; " + record.note) + "\n";
  }
  context.print(value, "keys of " + domain.name + ": publish these records, then run\npostern domain verify " + domain.name +
                           "\n\n" + text);
}

}  // namespace

Result<DomainRecord> find_domain(CommandContext& context, const std::string& text) {
  auto domains = collect_domains(context, "");
  if (!domains) return domains.error();
  const std::string name = normalised_domain(text);
  std::erase_if(*domains, [&](const DomainRecord& domain) {
    const bool is_id = text.starts_with(DomainTag::kPrefix) && format_id(domain.id).starts_with(text);
    return domain.name != name && !is_id;
  });
  if (domains->empty()) return Error(ErrorCode::NotFound, "there is no domain " + printable(text));
  if (domains->size() > 1) return Error(ErrorCode::Conflict, "several domains are meant by " + printable(text) + ": write an id");
  return std::move(domains->front());
}

Result<void> set_domain_receiving(CommandContext& context, const std::string& text, const std::string& how) {
  const auto domain = find_domain(context, text);
  if (!domain) return domain.error();
  NoResolver no_resolver;
  const auto changed = make_admin(context, no_resolver).set_receiving(domain->id, how == "on");
  if (!changed) return changed.error();
  context.confirm(domain_value(context, *changed),
                  changed->name + (how == "on" ? " receives where its routes match, once it is verified" : " receives no mail"));
  return {};
}

Result<void> set_domain_checks(CommandContext& context, const std::string& text, const std::string& policy) {
  const auto domain = find_domain(context, text);
  if (!domain) return domain.error();
  NoResolver no_resolver;
  const auto wanted = domains::parse_inbound_policy(policy).value_or(store::InboundPolicy::Observe);
  const auto changed = make_admin(context, no_resolver).set_inbound_policy(domain->id, wanted);
  if (!changed) return changed.error();
  context.confirm(domain_value(context, *changed), "mail for " + changed->name + " that fails its checks: " + policy);
  return {};
}

Result<void> add_domain(CommandContext& context, const std::string& account_text, const std::string& name) {
  const auto account = context.find_account(account_text);
  if (!account) return account.error();
  NoResolver no_resolver;
  domains::DomainAdmin admin = make_admin(context, no_resolver);
  const auto domain = admin.create(account->id, name);
  if (!domain) return domain.error();
  const auto records = records_of(context, *domain);
  json::object value = domain_value(context, *domain);
  value["records"] = record_values(*domain, records);
  context.print(value, "domain " + domain->name + " (" + format_id(domain->id) + "): publish these records, then run\n" +
                           "postern domain verify " + domain->name + "\n\n" + zone_text(records));
  return {};
}

Result<void> list_domains(CommandContext& context, const std::string& account) {
  const auto domains = collect_domains(context, account);
  if (!domains) return domains.error();
  json::array values;
  std::vector<std::vector<std::string>> rows;
  for (const auto& domain : *domains) {
    values.emplace_back(domain_value(context, domain));
    rows.push_back({context.account_name(domain.account), domain.name, std::string(domains::domain_status(domain)),
                    format_time(domain.checked_at), format_id(domain.id)});
  }
  context.print(values, format_table({"ACCOUNT", "NAME", "STATUS", "LOOKED UP (UTC)", "ID"}, rows));
  return {};
}

Result<void> show_domain(CommandContext& context, const std::string& text) {
  const auto domain = find_domain(context, text);
  if (!domain) return domain.error();
  print_domain(context, *domain);
  return {};
}

Result<void> print_domain_records(CommandContext& context, const std::string& text) {
  const auto domain = find_domain(context, text);
  if (!domain) return domain.error();
  const auto records = records_of(context, *domain);
  context.print(record_values(*domain, records), zone_text(records));
  return {};
}

Result<void> verify_domain(CommandContext& context, const std::string& text) {
  const auto domain = find_domain(context, text);
  if (!domain) return domain.error();
  const auto resolver = dns::open_resolver(make_resolver_settings(context.settings()));
  if (!resolver) return resolver.error();
  const auto verified = make_admin(context, **resolver).verify(domain->id);
  if (!verified) return verified.error();
  print_domain(context, *verified);
  if (verified->state != store::DomainState::Verified) {
    return Error(ErrorCode::Conflict, verified->name + " is not verified: a required record is missing");
  }
  return {};
}

Result<void> rotate_domain_keys(CommandContext& context, const std::string& text) {
  const auto domain = find_domain(context, text);
  if (!domain) return domain.error();
  NoResolver no_resolver;
  const auto rotated = make_admin(context, no_resolver).rotate_keys(domain->id);
  if (!rotated) return rotated.error();
  print_keys_to_publish(context, *rotated);
  return {};
}

Result<void> import_domain_key(CommandContext& context, const DomainKeyOptions& options) {
  const auto domain = find_domain(context, options.domain);
  if (!domain) return domain.error();
  std::ifstream file;
  if (options.file != "-") file.open(options.file, std::ios::binary);
  std::istream& from = options.file == "-" ? std::cin : file;
  if (!from) return Error(ErrorCode::NotFound, "cannot read " + printable(options.file));
  std::string pem(kMaxKeyFileOctets, '\0');
  from.read(pem.data(), static_cast<std::streamsize>(pem.size()));
  pem.resize(static_cast<std::size_t>(from.gcount()));
  NoResolver no_resolver;
  const auto imported = make_admin(context, no_resolver).import_key(domain->id, options.selector, pem);
  wipe_string(pem);
  if (!imported) return imported.error();
  print_keys_to_publish(context, *imported);
  return {};
}

Result<void> drop_domain_key(CommandContext& context, const std::string& text, const std::string& selector) {
  const auto domain = find_domain(context, text);
  if (!domain) return domain.error();
  NoResolver no_resolver;
  const auto changed = make_admin(context, no_resolver).drop_key(domain->id, selector);
  if (!changed) return changed.error();
  context.confirm({{"id", format_id(domain->id)}, {"selector", selector}, {"done", "dropped"}},
                  "key " + printable(selector) + " of " + domain->name + " is forgotten: its record may go");
  return {};
}

Result<void> remove_domain(CommandContext& context, const std::string& text) {
  const auto domain = find_domain(context, text);
  if (!domain) return domain.error();
  NoResolver no_resolver;
  if (const auto removed = make_admin(context, no_resolver).remove(domain->id); !removed) return removed.error();
  context.confirm({{"id", format_id(domain->id)}, {"name", domain->name}, {"done", "removed"}},
                  "domain " + domain->name + ": removed with its keys; mail from it goes out unsigned");
  return {};
}

}  // namespace postern::app
