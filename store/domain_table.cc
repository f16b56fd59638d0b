// Domains; the index of names is kept in step.
#include "store/domain_table.h"

#include "store/codec.h"
#include "store/directory.h"
#include "store/record_table.h"

namespace postern::store {
namespace {

std::string name_row(const AccountId& account, std::string_view name) {
  return std::string(octets_of(account.octets)).append(name);
}

Result<DomainId> read_id(std::string_view value) {
  KeyReader reader(value);
  const DomainId id{reader.octets<10>()};
  if (!reader.is_complete()) return Error(ErrorCode::CorruptRecord, "a stored domain id is damaged");
  return id;
}

Result<std::vector<DomainId>> list_domain_ids(Transaction& transaction, const AccountId& account) {
  return list_records(transaction, DirectoryTable::DomainNames, octets_of(account.octets), read_id);
}

// The row under kVerifiedOwner too, where it is this domain's.
Result<void> erase_name_rows(WriteTransaction& transaction, const DomainRecord& domain) {
  WritableTable names(transaction, DirectoryTable::DomainNames);
  if (Result<bool> erased = names.erase(name_row(domain.account, domain.name)); !erased) return erased.error();
  const std::string verified = name_row(kVerifiedOwner, domain.name);
  Result<std::optional<DomainId>> owner = find_record(transaction, DirectoryTable::DomainNames, verified, read_id);
  if (!owner) return owner.error();
  if (*owner != domain.id) return {};
  if (Result<bool> erased = names.erase(verified); !erased) return erased.error();
  return {};
}

}  // namespace

Result<std::optional<DomainRecord>> find_domain(Transaction& transaction, const DomainId& id) {
  return find_record(transaction, DirectoryTable::Domains, octets_of(id.octets), decode_domain);
}

Result<std::optional<DomainRecord>> find_domain_named(Transaction& transaction, const AccountId& account,
                                                      std::string_view normalised_name) {
  if (!fits_in_key(normalised_name)) return std::optional<DomainRecord>();
  Result<std::optional<DomainId>> id =
      find_record(transaction, DirectoryTable::DomainNames, name_row(account, normalised_name), read_id);
  if (!id) return id.error();
  if (!*id) return std::optional<DomainRecord>();
  return find_domain(transaction, **id);
}

Result<std::vector<DomainRecord>> list_domains(Transaction& transaction, const AccountId& account) {
  Result<std::vector<DomainId>> ids = list_domain_ids(transaction, account);
  if (!ids) return ids.error();
  return find_all<DomainRecord>(transaction, *ids, find_domain);
}

Result<void> put_domain(WriteTransaction& transaction, const DomainRecord& domain) {
  if (!fits_in_key(domain.name)) return Error(ErrorCode::InvalidArgument, "a domain has a name");
  Result<std::optional<DomainRecord>> twin = find_domain_named(transaction, domain.account, domain.name);
  if (!twin) return twin.error();
  if (*twin && (*twin)->id != domain.id) {
    return Error(ErrorCode::AlreadyExists, "the account has " + domain.name + " already");
  }
  Result<std::optional<DomainRecord>> previous = find_domain(transaction, domain.id);
  if (!previous) return previous.error();
  if (*previous) {
    if (Result<void> erased = erase_name_rows(transaction, **previous); !erased) return erased;
  }
  Result<std::vector<DomainId>> others = list_domain_ids(transaction, domain.account);
  if (!others) return others.error();
  if (others->size() >= kMaxDomainsPerAccount) {
    return Error(ErrorCode::LimitExceeded, "an account has at most " + std::to_string(kMaxDomainsPerAccount) + " domains");
  }
  std::string record;
  encode_domain(domain, record);
  const std::string_view id = octets_of(domain.id.octets);
  if (Result<void> put = WritableTable(transaction, DirectoryTable::Domains).put(id, record); !put) return put;
  WritableTable names(transaction, DirectoryTable::DomainNames);
  if (domain.state == DomainState::Verified) {
    // Who verified it first keeps it.
    if (Result<bool> inserted = names.insert(name_row(kVerifiedOwner, domain.name), id); !inserted) return inserted.error();
  }
  return names.put(name_row(domain.account, domain.name), id);
}

Result<void> erase_domain(WriteTransaction& transaction, const DomainId& id) {
  Result<std::optional<DomainRecord>> domain = find_domain(transaction, id);
  if (!domain) return domain.error();
  if (!*domain) return Error(ErrorCode::NotFound, "no domain " + format_id(id));
  if (Result<void> erased = erase_name_rows(transaction, **domain); !erased) return erased;
  WritableTable domains(transaction, DirectoryTable::Domains);
  if (Result<bool> erased = domains.erase(octets_of(id.octets)); !erased) return erased.error();
  return {};
}

Result<void> clear_domains(WriteTransaction& transaction, const AccountId& account) {
  Result<std::vector<DomainId>> ids = list_domain_ids(transaction, account);
  if (!ids) return ids.error();
  for (const DomainId& id : *ids) {
    if (Result<void> erased = erase_domain(transaction, id); !erased) return erased;
  }
  return {};
}

}  // namespace postern::store
