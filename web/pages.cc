#include "web/pages.h"

#include "core/bytes.h"
#include "http/gzip.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <utility>

namespace postern::web {
namespace {

constexpr std::string_view kDevelopmentVersion = "dev";

struct TypeRow {
  std::string_view extension;
  std::string_view content_type;
  bool is_packed;  // already: gzip gains nothing
};
constexpr std::array<TypeRow, 12> kTypes = {{
    {".html", "text/html; charset=utf-8", false},
    {".css", "text/css; charset=utf-8", false},
    {".js", "text/javascript; charset=utf-8", false},
    {".mjs", "text/javascript; charset=utf-8", false},
    {".json", "application/json", false},
    {".map", "application/json", false},
    {".webmanifest", "application/manifest+json", false},
    {".svg", "image/svg+xml", false},
    {".png", "image/png", true},
    {".ico", "image/x-icon", false},
    {".woff2", "font/woff2", true},
    {".txt", "text/plain; charset=utf-8", false},
}};

const TypeRow* type_of(std::string_view name) {
  const auto found = std::ranges::find_if(kTypes, [&](const TypeRow& row) { return name.ends_with(row.extension); });
  return found == kTypes.end() ? nullptr : &*found;
}

// FNV-1a: tells builds of our own files apart; nobody else's choose them.
std::uint64_t mix(std::uint64_t hash, std::string_view octets) {
  for (const char octet : octets) {
    hash ^= static_cast<unsigned char>(octet);
    hash *= 1'099'511'628'211ULL;
  }
  return hash;
}
constexpr std::uint64_t kSeed = 14'695'981'039'346'656'037ULL;

std::string name_of(std::uint64_t hash) {
  std::array<std::uint8_t, 8> octets{};
  for (std::size_t i = 0; i < octets.size(); ++i) octets[i] = static_cast<std::uint8_t>((hash >> (8 * i)) & 0xff);
  return format_hex(octets);
}

// A folder of development is no reason to hand out what stands beside it.
bool is_plain_name(std::string_view name) {
  const auto is_plain = [](char c) { return is_ascii_alnum(c) || std::string_view("._-/@").find(c) != std::string_view::npos; };
  return !name.empty() && std::ranges::all_of(name, is_plain) && !name.starts_with('.') && !name.starts_with('/') &&
         name.find("/.") == std::string_view::npos;
}

std::string with_version(std::string page, std::string_view version) {
  for (std::size_t at = page.find(kVersionMark); at != std::string::npos; at = page.find(kVersionMark, at + version.size())) {
    page.replace(at, kVersionMark.size(), version);
  }
  return page;
}

http::Response not_found() {
  http::Response response;
  response.status = 404;
  response.content_type = "text/plain; charset=utf-8";
  response.body = "There is no such page.\n";
  response.problem = "not_found";
  return response;
}

void add_rules(http::Response& response) {
  response.headers.emplace_back("Content-Security-Policy", kPagePolicy);
  response.headers.emplace_back("Referrer-Policy", "no-referrer");
  response.headers.emplace_back("Cross-Origin-Opener-Policy", "same-origin");
  response.headers.emplace_back("Cross-Origin-Resource-Policy", "same-origin");
  response.headers.emplace_back("Permissions-Policy",
                                "camera=(), geolocation=(), microphone=(), payment=(), usb=(), clipboard-write=(self)");
  response.headers.emplace_back("X-Frame-Options", "DENY");  // browsers from before frame-ancestors
}

}  // namespace

Pages::Pages(std::span<const PageFile> files) {
  std::uint64_t hash = kSeed;
  for (const PageFile& file : files) hash = mix(mix(hash, file.name), file.content);
  version_ = name_of(hash);
  for (const PageFile& file : files) {
    if (type_of(file.name) == nullptr) continue;
    std::string content(file.content);
    if (file.name == kIndexFile) content = with_version(std::move(content), version_);
    files_.emplace(file.name, pack(std::move(content)));
  }
}

Pages::Pages(std::string folder) : folder_(std::move(folder)), version_(kDevelopmentVersion) {}

Pages::Packed Pages::pack(std::string content) {
  Packed packed;
  packed.tag = name_of(mix(kSeed, content));
  packed.gzip = http::gzip(content);
  if (packed.gzip.size() >= content.size()) packed.gzip.clear();
  packed.content = std::move(content);
  return packed;
}

http::Response Pages::index(const PageConditions& conditions) const {
  if (!folder_.empty()) return read(kIndexFile);
  const auto file = files_.find(kIndexFile);
  return file == files_.end() ? not_found() : answer(kIndexFile, file->second, conditions, false);
}

http::Response Pages::asset(std::string_view path, const PageConditions& conditions) const {
  const bool is_kept = path.starts_with(version_) && path.substr(version_.size()).starts_with('/');
  if (is_kept) path.remove_prefix(version_.size() + 1);
  if (!folder_.empty()) return read(path);
  const auto file = files_.find(path);
  return file == files_.end() ? not_found() : answer(path, file->second, conditions, is_kept);
}

http::Response Pages::answer(std::string_view name, const Packed& file, const PageConditions& conditions, bool is_kept) const {
  const TypeRow& type = *type_of(name);
  const bool goes_packed = !type.is_packed && !file.gzip.empty() && http::accepts_gzip(conditions.accept_encoding);
  const std::string tag = '"' + file.tag + (goes_packed ? "-gz\"" : "\"");
  http::Response response;
  response.content_type = type.content_type;
  response.headers = {
      {"ETag", tag}, {"Cache-Control", is_kept ? "public, max-age=31536000, immutable" : "no-cache"}, {"Vary", "Accept-Encoding"}};
  add_rules(response);
  if (conditions.if_none_match.find(tag) != std::string_view::npos) {
    response.status = 304;
    return response;
  }
  if (goes_packed) response.headers.emplace_back("Content-Encoding", "gzip");
  response.body = goes_packed ? file.gzip : file.content;
  return response;
}

http::Response Pages::read(std::string_view name) const {
  const TypeRow* const type = type_of(name);
  std::ifstream file(is_plain_name(name) ? folder_ + '/' + std::string(name) : std::string(), std::ios::binary);
  if (type == nullptr || !file) return not_found();
  http::Response response;
  response.content_type = type->content_type;
  response.headers = {{"Cache-Control", "no-store"}};
  add_rules(response);
  response.body.assign(std::istreambuf_iterator<char>(file), {});
  if (name == kIndexFile) response.body = with_version(std::move(response.body), version_);
  return response;
}

}  // namespace postern::web
