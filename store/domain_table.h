// Sending domains by id and by account and name. Two accounts may each have a record of one name: only ownership, shown in the
// DNS, says whose mail is signed.
#pragma once

#include "store/records.h"
#include "store/transaction.h"

#include <optional>
#include <string_view>
#include <vector>

namespace postern::store {

Result<std::optional<DomainRecord>> find_domain(Transaction& transaction, const DomainId& id);
Result<std::optional<DomainRecord>> find_domain_named(Transaction& transaction, const AccountId& account,
                                                      std::string_view normalised_name);
// In order of name.
Result<std::vector<DomainRecord>> list_domains(Transaction& transaction, const AccountId& account);

// InvalidArgument: the name is empty or longer than any domain. AlreadyExists: the account has another record of that name.
// LimitExceeded.
Result<void> put_domain(WriteTransaction& transaction, const DomainRecord& domain);
// NotFound.
Result<void> erase_domain(WriteTransaction& transaction, const DomainId& id);
Result<void> clear_domains(WriteTransaction& transaction, const AccountId& account);

}  // namespace postern::store
