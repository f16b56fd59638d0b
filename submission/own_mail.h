// A mail that the relay itself writes, as a notification: without a reverse-path, and nobody hears of its failure.
#pragma once

#include "core/mailbox.h"
#include "core/random.h"
#include "store/store.h"

#include <functional>
#include <string>

namespace postern::submission {

struct OwnMail {
  AccountId account{};  // that it is about; null: the installation's
  Mailbox recipient;
  std::function<std::string(const std::string& message_id)> format;  // the content: header and body, CRLF line ends
};

// Spools it; returns its place in the queue when it is synced. On a worker: it blocks.
Result<store::DueEntry> spool_own_mail(const OwnMail& mail, store::Store& store, Random& random, Instant now);

// From, To, Subject and what else a header of such a mail has, with the line that ends it. `subject`: ASCII.
std::string own_mail_header(const std::string& hostname, const std::string& recipient, const std::string& subject,
                            const std::string& message_id, const std::string& charset, Instant now);

}  // namespace postern::submission
