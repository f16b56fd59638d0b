// What the service says of itself: the answers of /readyz and /openapi.json. Written by the dispatcher. Any thread.
#pragma once

#include <atomic>
#include <string>

namespace postern::api {

struct ServiceState {
  std::string openapi;       // openapi.json, made once
  std::string openapi_gzip;  // the same
  std::string openapi_etag;  // of both, so a weak one
  std::atomic<bool> is_draining{false};
};

}  // namespace postern::api
