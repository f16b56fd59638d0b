// The machine's own addresses.
#pragma once

#include "core/ip_address.h"

#include <vector>

namespace postern::app {

// Of every interface, loopback included; empty where they cannot be read.
std::vector<IpAddress> interface_addresses();

// A connection could leave from it: an interface has it, or a whole network of its own (127.0.0.0/8).
bool can_leave_from(const IpAddress& address);

}  // namespace postern::app
