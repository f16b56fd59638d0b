// The images of a power loss; see the header.
#include "tests/faults/power_loss.h"

#include <fstream>
#include <iterator>

namespace postern::test {
namespace {

using disk::Operation;

void put(DiskImage& image, const std::string& file, std::size_t offset, std::string_view octets) {
  std::string& content = image[file];
  if (content.size() < offset + octets.size()) content.resize(offset + octets.size());
  content.replace(offset, octets.size(), octets);
}

void put(DiskImage& image, const Operation& write) {
  put(image, write.file.string(), static_cast<std::size_t>(write.offset), write.octets);
}

}  // namespace

DiskImage read_image(const std::filesystem::path& folder) {
  DiskImage image;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".mdb" || entry.path().filename() == "lock.mdb") continue;
    std::ifstream stream(entry.path(), std::ios::binary);
    image[entry.path().lexically_relative(folder).string()] = std::string(std::istreambuf_iterator<char>(stream), {});
  }
  return image;
}

void write_image(const DiskImage& image, const std::filesystem::path& folder) {
  std::filesystem::remove_all(folder);
  for (const auto& [file, content] : image) {
    const std::filesystem::path path = folder / file;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << content;
  }
}

void LossyDisk::apply(const Operation& operation) {
  switch (operation.kind) {
    case Operation::Kind::Note:
      return;
    case Operation::Kind::Rename: {
      auto moved = synced_.extract(operation.file.string());
      moved.key() = operation.octets;
      synced_.insert(std::move(moved));
      return;
    }
    case Operation::Kind::Write:
      return write(operation);
    case Operation::Kind::MetaWrite:
      return put(synced_, operation);  // itself, and nothing that was written before
    case Operation::Kind::Sync:
      break;
  }
  std::erase_if(unsynced_, [&](const Operation* unsynced) {
    if (unsynced->file != operation.file) return false;
    put(synced_, *unsynced);
    return true;
  });
}

void LossyDisk::visit_images(Random& random, std::size_t parts,
                             const std::function<bool(const DiskImage&, const std::string&)>& visit) const {
  if (!visit(synced_, "nothing unsynced")) return;
  if (!has_unsynced()) return;
  if (!visit(whole(), "all of the unsynced")) return;
  const std::size_t step = unsynced_.size() / (parts + 1) + 1;
  for (std::size_t count = step; count < unsynced_.size(); count += step) {
    if (!visit(with_first(count), "the first " + std::to_string(count))) return;
  }
  for (const std::size_t sector : {std::size_t{512}, std::size_t{4'096}}) {
    for (std::size_t i = 0; i < parts; ++i) {
      if (!visit(with_sectors(random, sector), "some sectors of " + std::to_string(sector))) return;
    }
  }
}

DiskImage LossyDisk::with_first(std::size_t count) const {
  DiskImage image = synced_;
  for (std::size_t i = 0; i < count; ++i) put(image, *unsynced_[i]);
  return image;
}

// Few, half or most of them: each image has a share of its own.
DiskImage LossyDisk::with_sectors(Random& random, std::size_t sector_octets) const {
  DiskImage image = synced_;
  const std::uint64_t percent = 1 + random.below(99);
  for (const Operation* write : unsynced_) {
    const auto begin = static_cast<std::size_t>(write->offset);
    const std::string_view octets = write->octets;
    for (std::size_t at = begin; at < begin + octets.size();) {
      const std::size_t next = std::min((at / sector_octets + 1) * sector_octets, begin + octets.size());
      if (random.below(100) < percent) put(image, write->file.string(), at, octets.substr(at - begin, next - at));
      at = next;
    }
  }
  return image;
}

}  // namespace postern::test
