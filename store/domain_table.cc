// Sending domains. Two accounts may each have a record of one name: only ownership, shown in the DNS, says whose mail is signed.
#include "store/audit.h"
#include "store/directory_index.h"

namespace postern::store {

Result<std::optional<DomainRecord>> DirectoryReads::find_domain(const DomainId& id) const {
  return look([&](Transaction& transaction) { return find_record<DomainRecord>(transaction, octets_of(id.octets)); });
}

Result<std::optional<DomainRecord>> DirectoryReads::find_domain_named(const AccountId& account,
                                                                      std::string_view normalised_name) const {
  if (!fits_in_key(normalised_name)) return std::optional<DomainRecord>();
  return look([&](Transaction& transaction) {
    const std::string row = text_row(octets_of(account.octets), normalised_name);
    return find_through<DomainRecord>(transaction, DirectoryTable::DomainNames, row);
  });
}

Result<std::vector<DomainRecord>> DirectoryReads::list_domains(const AccountId& account) const {
  return look([&](Transaction& transaction) {
    return list_through<DomainRecord>(transaction, DirectoryTable::DomainNames, account, IdIn::Value);
  });
}

Result<void> DirectoryWriter::put_domain(const DomainRecord& domain) {
  if (Result<void> required = require_account(domain.account); !required) return required;
  if (!fits_in_key(domain.name)) return Error(ErrorCode::InvalidArgument, "a domain has a name");
  const Result<std::optional<DomainRecord>> before = find_domain(domain.id);
  if (!before) return before.error();
  Result<void> ready = replace_rows(transaction_, domain, "the account has " + domain.name + " already");
  if (ready) ready = require_room(transaction_, DirectoryTable::DomainNames, domain.account, kMaxDomainsPerAccount, "domains");
  if (!ready) return ready;
  if (Result<void> put = put_with_rows(transaction_, domain); !put) return put;
  return note_domain(transaction_, actor_, *before ? &**before : nullptr, domain);
}

Result<void> DirectoryWriter::remove_domain(const DomainId& id) {
  const Result<std::optional<DomainRecord>> domain = find_domain(id);
  if (!domain) return domain.error();
  if (Result<void> erased = erase_with_rows<DomainRecord>(transaction_, id, "domain"); !erased) return erased;
  return note_removal(transaction_, actor_, {.account = (*domain)->account, .action = "domain.removed", .target_kind = "domain",
                                             .target_id = format_id(id), .target_name = (*domain)->name});
}

}  // namespace postern::store
