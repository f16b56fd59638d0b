// A recipient unsubscribes by the link in a message: mail of that stream is not sent to him any more, and an event tells so. What a
// test key sent suppresses nobody.
#pragma once

#include "core/clock.h"
#include "core/result.h"
#include "domains/unsubscribe_link.h"
#include "store/store.h"

namespace postern::reception {

// Once is enough: what is done already stays as it is. Whether an event was written; none is where the message's record is gone.
// Blocks until synced. NotFound: the account is gone.
Result<bool> unsubscribe(store::Store& store, const domains::Unsubscription& wish, Instant now);

}  // namespace postern::reception
