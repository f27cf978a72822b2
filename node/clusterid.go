package node

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// clusterIDFile has the cluster's id, in the data directory.
const clusterIDFile = "cluster-id"

// clusterID returns the id of the cluster that the node belongs to, and whether
// it is to found one. The id is kept in a file: it is made by the founder and
// taken over by who joins, and keeps two clusters with one secret apart.
func (n *Node) clusterID() (id string, found bool, err error) {
	content, err := os.ReadFile(filepath.Join(n.config.DataDir, clusterIDFile))
	switch {
	case err == nil:
		return strings.TrimSpace(string(content)), false, nil
	case !errors.Is(err, os.ErrNotExist):
		return "", false, fmt.Errorf("cluster id: %w", err)
	case len(n.config.Join) > 0:
		return "", false, nil // learnt from whom it joins
	}
	id = strings.ToLower(rand.Text()[:16])
	return id, true, n.keepClusterID(id)
}

// learnClusterID takes over the id of the cluster that the node has joined.
func (n *Node) learnClusterID() error {
	if n.meta.ClusterID != "" {
		return nil
	}
	for _, m := range n.gossip.Members() {
		if m.Name == n.config.Name || m.Meta.ClusterID == "" {
			continue
		}
		if err := n.keepClusterID(m.Meta.ClusterID); err != nil {
			return err
		}
		n.meta.ClusterID = m.Meta.ClusterID
		return n.gossip.SetMeta(n.meta)
	}
	return nil
}

// keepClusterID writes the id so that it survives a loss of power: Raft's log does,
// and a member that has lost its id is a stranger to the others, or lets strangers
// in.
func (n *Node) keepClusterID(id string) error {
	if err := writeDurably(filepath.Join(n.config.DataDir, clusterIDFile), id+"\n"); err != nil {
		return fmt.Errorf("cluster id: %w", err)
	}
	return nil
}

// writeDurably writes the file whole or not at all, readable by its owner alone,
// and returns when it is on the disk.
func writeDurably(path, content string) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path))
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // in vain once it has its name
	_, err = io.WriteString(f, content)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
