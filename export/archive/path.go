package archive

import (
	"fmt"
	"path"
	"strings"
)

// rootPath returns the path of a file that every archive has at its root. With several volumes, whose files meet in one
// folder, it carries the volume's number: manifest-02.json.
func rootPath(name string, volume, volumes int) string {
	if volumes <= 1 {
		return name
	}
	ext := path.Ext(name)
	return fmt.Sprintf("%s-%02d%s", strings.TrimSuffix(name, ext), volume, ext)
}

// Path returns where this archive has one of the files that every archive has at its root, such as ManifestPath.
func (h Header) Path(name string) string { return rootPath(name, h.Volume, h.Volumes) }

// partPath puts a part's number before the extension: tasks.part-02.csv.
func partPath(stem, ext string, part, parts int) string {
	if parts <= 1 {
		return stem + ext
	}
	return fmt.Sprintf("%s.part-%02d%s", stem, part, ext)
}

// attachmentFolder is where a volume keeps a dataset's attachments. Each volume makes its names unique by itself, so
// each has a folder of its own.
func (h Header) attachmentFolder(dataset string) string {
	if h.Volumes <= 1 {
		return "attachments/" + dataset + "/"
	}
	return fmt.Sprintf("attachments/%s/volume-%02d/", dataset, h.Volume)
}

// checkNumber holds a number from 1 against how many there are; none at all, or 1 of 1, is the whole.
func checkNumber(what string, number, of int) error {
	if number == 0 && of == 0 || number >= 1 && number <= of {
		return nil
	}
	return fmt.Errorf("archive: there is no %s %d of %d", what, number, of)
}
