// What a disk may hold after the power failed: from a recorded run (disk_faults.h), the files as they are when what was synced is
// there and of what was not synced nothing, a beginning, or any part, sector by sector.
#pragma once

#include "core/random.h"
#include "tests/faults/disk_faults.h"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace postern::test {

// The data files by their path below the recorded folder.
using DiskImage = std::map<std::string, std::string>;

DiskImage read_image(const std::filesystem::path& folder);
// Makes `folder` hold these files and nothing else.
void write_image(const DiskImage& image, const std::filesystem::path& folder);

class LossyDisk {
 public:
  explicit LossyDisk(DiskImage image = {}) : synced_(std::move(image)) {}

  // The next operation of the recording. Notes change nothing; a renaming is done at once (that it was not is the image before
  // it). `operation` outlives this object.
  void apply(const disk::Operation& operation);
  // A write of either kind whose sync is not done.
  void write(const disk::Operation& operation) { unsynced_.push_back(&operation); }
  // True if a power failure right now can leave more than one image.
  bool has_unsynced() const { return !unsynced_.empty(); }

  // Each image that this disk may hold now, with its name: nothing of the unsynced, all, at most `parts` beginnings, and `parts`
  // random parts at sectors of 512 octets, as many at 4,096. False from `visit` ends it.
  void visit_images(Random& random, std::size_t parts,
                    const std::function<bool(const DiskImage&, const std::string& name)>& visit) const;
  // Everything, synced or not.
  DiskImage whole() const { return with_first(unsynced_.size()); }

 private:
  DiskImage with_first(std::size_t count) const;
  DiskImage with_sectors(Random& random, std::size_t sector_octets) const;

  DiskImage synced_;
  std::vector<const disk::Operation*> unsynced_;
};

}  // namespace postern::test
