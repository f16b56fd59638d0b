// The audit trail: who changed what of an account, and when. An entry is made of the difference between a record and what takes its
// place, in the transaction that replaces it: whoever writes the directory, by whatever way, leaves one. For store/ only.
#pragma once

#include "store/actor.h"
#include "store/records.h"
#include "store/tables.h"

#include <string>
#include <string_view>

namespace postern::store {

// What an entry is about, beside who did it.
struct AuditNote {
  AccountId account;
  std::string_view action;  // "key.created"
  std::string_view target_kind;
  std::string target_id = {};
  std::string target_name = {};
  std::string detail = {};
};

// Puts it down, now and here; the oldest of an account goes where there are kMaxAuditOfAccount.
Result<void> note_change(WriteTransaction& transaction, const Actor& actor, const AuditNote& note);

// The same, unless the account is gone: then all that it had goes with it.
Result<void> note_removal(WriteTransaction& transaction, const Actor& actor, const AuditNote& note);
// The same, unless the server does it by itself: bounces suppress by the thousand.
Result<void> note_by_person(WriteTransaction& transaction, const Actor& actor, const AuditNote& note);

// The difference between two states of a record; `before` is null where it is new.
Result<void> note_account(WriteTransaction& transaction, const Actor& actor, const AccountRecord* before,
                          const AccountRecord& after);
Result<void> note_key(WriteTransaction& transaction, const Actor& actor, const KeyRecord* before, const KeyRecord& after);
Result<void> note_user(WriteTransaction& transaction, const Actor& actor, const UserRecord* before, const UserRecord& after);
Result<void> note_domain(WriteTransaction& transaction, const Actor& actor, const DomainRecord* before, const DomainRecord& after);
Result<void> note_webhook(WriteTransaction& transaction, const Actor& actor, const WebhookRecord* before,
                          const WebhookRecord& after);

}  // namespace postern::store
