// The operator log of the product: one typed function per fact, over core/log. A line is "fact key=value …"; whatever concerns
// a message carries its id, so that one search finds its whole life.
//
// What these functions cannot be given cannot leak: there is no parameter for a key's text, an AUTH user name (people paste
// keys there), a subject or content. Addresses and remote texts are escaped by the log. Any thread.
#pragma once

#include "core/clock.h"
#include "core/error.h"
#include "core/ids.h"
#include "core/ip_address.h"
#include "core/mailbox.h"
#include "core/message_id.h"
#include "core/refusals.h"
#include "core/stall.h"
#include "core/status.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace postern::operator_log {

// Every line that has to do with an account says its id and its name. `look_up` is asked once for each, and not for long: empty
// where there is no such account. Without one lines say "-".
using NameOfAccount = std::function<std::string(const AccountId&)>;
void name_accounts(NameOfAccount look_up);
std::string account_name(const AccountId& account);

// Lines that one account's refusals and test mail, or one stranger, cause in a second are bounded (docs/operations.md); this
// writes how many were left out since the last call: about once a second.
void sum_up();

// --- Submission ------------------------------------------------------------------------------------------------------

// Who is talking, once AUTH has said so.
struct Client {
  AccountId account;
  KeyId key;
  IpAddress peer;
};

void auth_succeeded(const Client& client);
// Whoever it is has the key's text: it is expired, revoked, or used from a foreign network. The same fact as auth_failed.
void key_refused(const Client& client, Refusal refusal);
// Nothing of the credential: it may be a real key with one wrong character.
void auth_failed(Refusal refusal, const IpAddress& peer);
// `detail`: the reply's words, where they say more than the token.
void sender_refused(const Client& client, Refusal refusal, const std::optional<Mailbox>& reverse_path,
                    std::string_view detail = {});
void recipient_refused(const Client& client, Refusal refusal, const Mailbox& forward_path);

// The protocol itself refused: syntax, order, size, bare newlines. `unsaid`: lines like this that were left out before it.
void protocol_refused(std::string_view token, const IpAddress& peer, std::uint64_t unsaid);

struct AcceptedMessage {
  MessageId id;
  Environment environment = Environment::Live;
  std::size_t recipients = 0;
  std::uint64_t octets = 0;
  std::string_view header_id = {};      // the Message-ID that recipients see; empty: it has ours
  std::string_view sender_domain = {};  // of the reverse-path; empty: the null one
};
// After the sync, with the 250.
void message_accepted(const Client& client, const AcceptedMessage& message);
// DATA or end-of-data was refused; `id` if a message had been opened.
void message_refused(const Client& client, Refusal refusal, const std::optional<MessageId>& id, std::string_view detail = {});
// The store failed under an open message; the client has a 4yz.
void message_not_stored(const Client& client, const MessageId& id, const Error& error);
// It is accepted all the same.
void message_not_signed(const Client& client, const MessageId& id, const Error& error);
// The same on its way out, where it had to be converted and signed anew.
void message_not_signed(const AccountId& account, const MessageId& id, const Error& error);

// --- Reception -------------------------------------------------------------------------------------------------------

// After the sync, with the 250. `about`: the message whose return path it came to.
void message_received(const MessageId& id, const AccountId& account, const std::optional<MessageId>& about, std::size_t recipients);
// `kind`: a literal.
void returned_mail_read(const MessageId& id, const MessageId& about, std::string_view kind, std::size_t events);

// --- Delivery --------------------------------------------------------------------------------------------------------

// One recipient's attempt. Views must live during the call only.
struct Attempt {
  MessageId message;
  AccountId account;
  Environment environment = Environment::Live;
  std::string_view recipient;
  std::string_view route;   // "simulation" for test messages
  std::string_view remote;  // "mx.example.net [192.0.2.1]:25"; may be empty
  std::uint32_t attempts = 0;  // this one included
  std::string_view failure;    // relay/failure_class; empty where nothing failed
};

void recipient_delivered(const Attempt& attempt, const Status& status);
void recipient_deferred(const Attempt& attempt, const Status& status, Instant next_attempt);
void recipient_bounced(const Attempt& attempt, const Status& status);
// Given up after the queue lifetime; `status` is the next hop's last word.
void recipient_expired(const Attempt& attempt, const Status& status);
void recipient_suppressed(const Attempt& attempt, const Status& status);
// Delivered, and then the recipient complained.
void recipient_complained(const Attempt& attempt, const Status& status);

// A delivery status notification about `about` is in the spool under an id of its own. `kind`: "failure", "delay", "success".
void dsn_queued(const MessageId& notification, const MessageId& about, std::string_view kind);
// One was due but may not be sent. `reason` is a token.
void dsn_withheld(const MessageId& about, std::string_view kind, std::string_view reason);

// --- Queue -----------------------------------------------------------------------------------------------------------

void queue_started(std::uint64_t queued);
// `unfinished`: attempts that were cancelled; those messages are simply due again.
void queue_stopped(std::size_t unfinished);
// The spool could not be read or written. `id` where one message is concerned.
void queue_storage_failed(std::string_view operation, const Error& error, const std::optional<MessageId>& id);
// No connection to a next hop can be had: it is probed again after `retry_in`, its messages wait.
void destination_unavailable(std::string_view route, const Status& status, Duration retry_in);
void destination_recovered(std::string_view route);
// How many connections at once it takes, as far as is known: fewer after it refused one, more as messages go through.
void destination_concurrency(std::string_view route, std::size_t from, std::size_t to);
// The next hop refuses all mail before it has AUTH or TLS that the route does not give it: the configuration is to be mended.
void route_unfit(std::string_view route, const Status& status);
// The next hop's TLS is broken; its mail goes in the clear for a while, as the route's policy allows.
void tls_given_up(std::string_view route, const Status& status);
// A provider's words have set off a rule of the shaping file. `how`: suspended, slowed; `source`: that mail left from, or empty.
void provider_restrained(std::string_view provider, std::string_view source, std::string_view how, Duration duration,
                         const Status& status);
// The address that a configured source sends from is not on this machine: others send in its place, or its mail waits.
void egress_source_missing(std::string_view source, std::string_view address);
// A TLS report of the day before: on its way to whom the domain names, or not.
void tls_report(std::string_view domain, std::string_view uri, bool is_sent);
// Messages that were due and in nobody's hands were found, and go out now.
void queue_stranded(std::size_t messages);
// Operators' orders on what waits have changed: so many are in force.
void queue_orders(std::size_t count);

// --- Maintenance -----------------------------------------------------------------------------------------------------

void expired_removed(std::size_t messages, std::size_t contents, std::size_t events);
// New mail is refused for lack of room, and the end of that: one line each for the whole stretch.
void storage_full(const Error& error);
void storage_recovered();
void maintenance_failed(std::string_view task, const Error& error);
// No commit to `environment` ends: new mail and management calls are refused until one does.
void storage_stalled(std::string_view environment, const Stall& stall);
void storage_goes_on(std::string_view environment, const Stall& stall);
// New mail is refused because that process reads an old state of the spool (0: one of another PID namespace).
void reader_pins_pages(int process, std::uint64_t octets);
// It was told to end; not `done`: it could not be.
void reader_sent_away(int process, bool done);

}  // namespace postern::operator_log
