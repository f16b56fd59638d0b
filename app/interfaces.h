// The machine's own addresses.
#pragma once

#include "core/ip_address.h"

#include <vector>

namespace postern::app {

// Of every interface, loopback included; empty where they cannot be read.
std::vector<IpAddress> interface_addresses();

}  // namespace postern::app
