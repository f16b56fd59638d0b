#include "reports/unpack.h"

#include "core/check.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

namespace postern::reports {
namespace {

constexpr std::size_t kPieceOctets = 64 * 1024;
constexpr int kGzipWindow = 15 + 16;  // zlib: with gzip's frame
constexpr int kRawWindow = -15;       // without any, as ZIP has it
constexpr std::size_t kZipHeaderOctets = 30;

Error broken_archive(const char* why) {
  return {ErrorCode::Malformed, why};
}

Bytef* zlib_octets(std::string_view text) {
  return reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
}

struct Inflater {
  z_stream stream{};
  explicit Inflater(int window) { POSTERN_CHECK(inflateInit2(&stream, window) == Z_OK); }
  ~Inflater() { inflateEnd(&stream); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
};

Result<std::string> inflate_all(std::string_view packed, int window, std::size_t limit) {
  Inflater inflater(window);
  inflater.stream.next_in = zlib_octets(packed);
  inflater.stream.avail_in = static_cast<uInt>(std::min<std::size_t>(packed.size(), UINT32_MAX));
  std::string text;
  std::array<char, kPieceOctets> piece{};
  for (int status = Z_OK; status != Z_STREAM_END;) {
    inflater.stream.next_out = reinterpret_cast<Bytef*>(piece.data());
    inflater.stream.avail_out = piece.size();
    status = inflate(&inflater.stream, Z_NO_FLUSH);
    if (status != Z_OK && status != Z_STREAM_END) return broken_archive("the compressed report is broken");
    text.append(piece.data(), piece.size() - inflater.stream.avail_out);
    const bool is_bomb = text.size() > kUsualOctets && text.size() / kMaxRatio > packed.size();
    if (text.size() > limit || is_bomb) return Error(ErrorCode::LimitExceeded, "the report unpacks to too much");
  }
  return text;
}

std::uint32_t little_endian(std::string_view octets, std::size_t at, std::size_t count) {
  std::uint32_t value = 0;
  for (std::size_t i = count; i > 0; --i) value = value << 8 | static_cast<std::uint8_t>(octets[at + i - 1]);
  return value;
}

// By the header in front of the first file (PKWARE's APPNOTE 4.3.7); a size that stands behind the data is not needed for deflate.
Result<std::string> unpack_zip(std::string_view octets, std::size_t limit) {
  if (octets.size() < kZipHeaderOctets) return broken_archive("the ZIP archive is broken off");
  const std::uint32_t flags = little_endian(octets, 6, 2);
  const std::uint32_t method = little_endian(octets, 8, 2);
  const std::size_t size = little_endian(octets, 18, 4);
  const std::size_t begin = kZipHeaderOctets + little_endian(octets, 26, 2) + little_endian(octets, 28, 2);
  if ((flags & 1) != 0) return broken_archive("the ZIP archive is encrypted");
  if (begin > octets.size()) return broken_archive("the ZIP archive is broken off");
  const std::string_view data = octets.substr(begin);
  if (method == 8) return inflate_all(data, kRawWindow, limit);
  if (method != 0 || size > data.size()) return broken_archive("the ZIP archive is of a kind that is not known");
  if (size > limit) return Error(ErrorCode::LimitExceeded, "the report is too big");
  return std::string(data.substr(0, size));
}

}  // namespace

Result<std::string> unpack_report(std::string_view octets, std::size_t limit) {
  if (octets.starts_with("\x1F\x8B")) return inflate_all(octets, kGzipWindow, limit);
  if (octets.starts_with("PK\x03\x04")) return unpack_zip(octets, limit);
  if (octets.size() > limit) return Error(ErrorCode::LimitExceeded, "the report is too big");
  return std::string(octets);
}

std::string pack_report(std::string_view text) {
  z_stream stream{};
  POSTERN_CHECK(deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string packed(deflateBound(&stream, text.size()), '\0');
  stream.next_in = zlib_octets(text);
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  POSTERN_CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

}  // namespace postern::reports
