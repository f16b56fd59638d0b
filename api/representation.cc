#include "api/representation.h"

#include "auth/sha256.h"
#include "core/bytes.h"
#include "http/gzip.h"

namespace postern::api {
namespace {

constexpr std::size_t kLeastPackedOctets = 1024;        // below it a packet is not spared
constexpr std::size_t kMostPackedOctets = 1024 * 1024;  // some 20 ms of a worker
constexpr int kFastLevel = 1;

bool is_text_type(std::string_view content_type) { return content_type == "application/json" || content_type.starts_with("text/"); }
// What a mailed link opens: no browser keeps it.
bool is_page(std::string_view content_type) { return content_type.starts_with("text/html"); }

}  // namespace

std::string entity_tag(std::string_view body) {
  auth::Sha256 hash;
  hash.update(body);
  return "W/\"" + format_hex(hash.finish()) + '"';
}

bool names_entity_tag(std::string_view if_none_match, std::string_view tag) {
  return if_none_match == "*" || if_none_match.find(tag.substr(tag.find('"'))) != std::string_view::npos;
}

void settle_representation(const ApiRequest& request, ApiResponse& response) {
  if (response.status != 200 || response.stream || response.holds_secret || is_page(response.content_type)) return;
  const std::string tag = entity_tag(response.body);
  response.headers.emplace_back("ETag", tag);
  response.headers.emplace_back("Cache-Control", "private, no-cache");
  response.headers.emplace_back("Vary", "Authorization, Accept-Encoding");
  if (names_entity_tag(request.header("if-none-match"), tag)) {
    response.status = 304;
    response.body.clear();
    return;
  }
  const bool is_worth_it = response.body.size() >= kLeastPackedOctets && response.body.size() <= kMostPackedOctets;
  if (!is_worth_it || !is_text_type(response.content_type) || !http::accepts_gzip(request.header("accept-encoding"))) return;
  response.body = http::gzip(response.body, kFastLevel);
  response.headers.emplace_back("Content-Encoding", "gzip");
}

}  // namespace postern::api
