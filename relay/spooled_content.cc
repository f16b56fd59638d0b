// See the header: a look at the whole, a rehearsal that counts and signs, and then what is sent.
#include "relay/spooled_content.h"

#include "core/operator_log.h"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <utility>

namespace postern::relay {
namespace {

Status not_convertible(std::string_view why) {
  return Status{554, EnhancedCode{5, 6, 3},
                "the message is 8-bit, the next hop does not offer 8BITMIME, and it cannot be converted: " + std::string(why)};
}

Status content_lost() { return Status{451, EnhancedCode{4, 3, 0}, "the stored content could not be read"}; }

// RFC 6376, RFC 8617: of these we have no key, and what they sign is no longer there afterwards.
bool is_signed_by_others(const mime::HeaderScan& header) {
  return header.count("DKIM-Signature") > 0 || header.count("ARC-Message-Signature") > 0;
}

}  // namespace

SpooledContent::SpooledContent(const store::Spool& spool, const store::MessageRecord& message)
    : spool_(spool),
      message_(message),
      signatures_(message.signature_fields),
      octets_(message.content_octets + message.signature_fields.size()) {}

Result<std::string> SpooledContent::read(std::uint32_t index) {
  auto chunk = spool_.read_chunk(message_.id, index);
  if (!chunk) {
    has_failed_ = true;
    operator_log::queue_storage_failed("read content", chunk.error(), message_.id);
  }
  return chunk;
}

Result<std::string> SpooledContent::next() {
  const bool is_first = !std::exchange(was_asked_, true);
  if (is_first && !signatures_.empty()) return std::move(signatures_);  // octets_ has them counted
  while (index_ < message_.chunk_count) {
    auto chunk = read(index_++);
    if (!chunk || !mender_) return chunk;
    std::string mended;
    mender_->feed(*chunk, mended);
    if (index_ == message_.chunk_count) mender_->finish(mended);
    if (!mended.empty()) return mended;
  }
  return std::string();
}

net::Awaitable<std::optional<Status>> SpooledContent::make_seven_bit(const domains::MessageSigner* signer) {
  mime::LineMender mender(mime::Mending::HighOctets);
  mime::HeaderScan header;
  const Result<void> looked = co_await look_through(mender, header);
  if (!looked) co_return content_lost();
  if (!mender.is_needed() && mender.obstacle().empty()) co_return std::nullopt;
  if (is_signed_by_others(header)) co_return not_convertible("it bears the signature of another");
  if (!mender.obstacle().empty()) co_return not_convertible(mender.obstacle());
  mender.begin_writing();
  mender_ = std::move(mender);
  std::unique_ptr<domains::ContentSigner> signing;
  if (!signatures_.empty() && signer != nullptr) signing = open_signing(*signer, header);
  const Result<void> measured = co_await measure(std::move(signing));
  if (!measured) co_return content_lost();
  co_return std::nullopt;
}

net::Awaitable<Result<void>> SpooledContent::look_through(mime::LineMender& mender, mime::HeaderScan& header) {
  const net::Executor executor = co_await net::asio::this_coro::executor;
  std::string nothing;
  std::size_t skip = message_.trace_octets;
  for (std::uint32_t index = 0; index < message_.chunk_count; ++index) {
    const Result<std::string> chunk = read(index);
    if (!chunk) co_return chunk.error();
    mender.feed(*chunk, nothing);
    const std::size_t skipped = std::min(skip, chunk->size());
    skip -= skipped;
    if (header.state() == mime::HeaderScan::State::Reading) header.feed(std::string_view(*chunk).substr(skipped));
    co_await net::asio::post(executor, net::kAwait);
  }
  mender.finish(nothing);
  if (header.state() == mime::HeaderScan::State::Reading) header.finish();
  co_return Result<void>();
}

// The trace header is ours and ASCII: it stays as it is, and no signature has it.
net::Awaitable<Result<void>> SpooledContent::measure(std::unique_ptr<domains::ContentSigner> signing) {
  const net::Executor executor = co_await net::asio::this_coro::executor;
  mime::LineMender rehearsing = *mender_;
  std::size_t skip = message_.trace_octets;
  octets_ = 0;
  for (std::uint32_t index = 0; index < message_.chunk_count; ++index) {
    const Result<std::string> chunk = read(index);
    if (!chunk) co_return chunk.error();
    std::string mended;
    rehearsing.feed(*chunk, mended);
    if (index + 1 == message_.chunk_count) rehearsing.finish(mended);
    octets_ += mended.size();
    const std::size_t skipped = std::min(skip, mended.size());
    skip -= skipped;
    if (signing) signing->append(std::string_view(mended).substr(skipped));
    co_await net::asio::post(executor, net::kAwait);
  }
  signatures_.clear();
  if (signing) {
    auto fields = signing->finish();
    if (!fields) operator_log::message_not_signed(message_.account, message_.id, fields.error());
    if (fields) signatures_ = std::move(*fields);
  }
  octets_ += signatures_.size();
  co_return Result<void>();
}

// As at acceptance: what cannot be signed goes out unsigned.
std::unique_ptr<domains::ContentSigner> SpooledContent::open_signing(const domains::MessageSigner& signer,
                                                                     const mime::HeaderScan& header) const {
  auto signing = signer.open(message_.account, header);
  if (signing) return std::move(*signing);
  operator_log::message_not_signed(message_.account, message_.id, signing.error());
  return nullptr;
}

}  // namespace postern::relay
